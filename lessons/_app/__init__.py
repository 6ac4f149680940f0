"""What Streamlit runs, with the settings of the app beside it."""
