"""How a network that was trained elsewhere comes in: a file → an architecture and weights → a run.

`contents` opens a file, the dangerous kinds in `worker`'s process; `match` fits the tensors of a
state dict to an architecture, `guess` says what architecture they may be of, `onnx_graph` and
`keras_weights` translate what brings its own; `inputs` says how a network wants its images, and
`import_network` makes the run. `archive` reads the ZIP of a run that another digitlab trained, and
`measure` says what its weights answer.
"""
