"""File formats of the field, read and written without interpreting what they say."""
