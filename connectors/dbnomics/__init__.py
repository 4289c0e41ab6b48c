"""DBnomics: the world's public economic time series."""
