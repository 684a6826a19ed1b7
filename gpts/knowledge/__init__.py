"""Knowledge as algorithms: documents, chunking, ranking, citations. No files, vector library or database."""
