"""A run as one HTML file that draws and reads in a browser, without a server.

The network runs in plain JavaScript over typed arrays. With the bundled reader the file has
0.65 MB, and the first answer was there 0.6 s after it was opened; ONNX Runtime Web in one file has
20.3 MB and needed 2.2 s (medians of three on two busy cores, Chromium). It computes an image in
6 ms where `network.js` takes 25 to 70, which a person who draws does not notice.
"""
