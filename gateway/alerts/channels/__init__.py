"""Ways to reach somebody outside the staff page, one file each."""
