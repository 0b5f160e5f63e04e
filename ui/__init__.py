"""The page where one reads the article, asks it and checks the answers; also its API. gradio is known here alone."""
