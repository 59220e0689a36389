"""A page to learn backpropagation with: one net, its values and its cotangents, one step at a time."""
