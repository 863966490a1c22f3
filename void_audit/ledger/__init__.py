"""The log: entries, tree, checkpoints, blobs. The sequencer is the only writer."""
