"""The cells of the Draw page, of which Home shows the canvas and the answer."""
