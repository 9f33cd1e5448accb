"""One file a generated page: each is a function from the code to the page's text."""
