"""Plain results in, Plotly figures out: no Streamlit, no metrics, colours from one palette."""
