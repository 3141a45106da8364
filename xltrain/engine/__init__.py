"""Everything that needs torch: one training loop over stacks of members."""
