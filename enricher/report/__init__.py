"""What a person reads: tables, stories, pages; pure text out."""
