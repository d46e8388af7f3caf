"""Pages, cards, tables and figures."""
