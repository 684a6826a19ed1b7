"""Knowledge as algorithms: documents, chunking, ranking, citations. No files, no vectors library, no database."""
