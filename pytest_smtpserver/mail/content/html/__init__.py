"""HTML as a reader of the mail sees it: its text, its links, its headings."""
