"""Tables of any size, read in blocks: CSV and Parquet files, and the frames of other libraries."""
