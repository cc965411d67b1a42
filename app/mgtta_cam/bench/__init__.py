"""Methods against corruptions on labeled pictures: cells that are measured one by one, kept, and put into tables."""
