"""What takes longer than the ordinary suite may: the same checks, many more times."""
