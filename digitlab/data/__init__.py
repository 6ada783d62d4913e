"""What there is to learn from: the catalog of datasets, loading, downloading, statistics."""
