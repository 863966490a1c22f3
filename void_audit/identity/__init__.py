"""People and machines: keys, signers, enrolment."""
