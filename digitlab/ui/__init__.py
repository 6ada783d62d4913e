"""Everything that knows Streamlit: what pages are made of."""
