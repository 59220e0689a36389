"""Training by several processes: who takes which rows, who holds which params, and what they send each other."""
