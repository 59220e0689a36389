"""The homework: its single file, its zip, and the grader of anyone's single file."""
