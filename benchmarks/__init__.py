"""What is measured, and how to repeat it. Figures are ratios against a floor taken in the same run."""
