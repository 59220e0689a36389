"""What one forward and one backward pass know besides the gradient: each a rule mapped over a net, or a fold of its passes."""
