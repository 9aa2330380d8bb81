"""What people look at: templates, style and the little script that keeps the page fresh."""
