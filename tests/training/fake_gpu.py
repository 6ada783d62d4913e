"""A GPU that is none: tensors that say they are on CUDA, and are computed on the CPU.

PyTorch's FakeTensorMode has no values, which the loop reads, and no backward pass without a real
device. Here operations get the same values as on a CPU, and tensors of two devices in one operation
are refused as on a GPU.
"""

from __future__ import annotations

import pytest
import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

GPU = torch.device("cuda:0")
# Operations that may take a tensor of another device, such as an index.
_CROSSING = ("aten::_to_copy", "aten::copy_", "aten::index", "aten::index_put_")
_ANSWERS = {  # of torch.cuda
    "is_available": True,
    "device_count": 1,
    "is_bf16_supported": True,
    "get_device_name": "no GPU at all",
    "get_rng_state": torch.zeros(16, dtype=torch.uint8),
    "set_rng_state": None,
    "manual_seed_all": None,
    "synchronize": None,
    "_lazy_init": None,
}
_Generator = torch.Generator


class OnGPU(torch.Tensor):
    """A tensor with the values of `values`, which is on the CPU."""

    @staticmethod
    def __new__(cls, values):
        layout = {"strides": values.stride(), "storage_offset": values.storage_offset()}
        return torch.Tensor._make_wrapper_subclass(
            cls, values.shape, dtype=values.dtype, device=GPU, **layout
        )

    def __init__(self, values):
        self.values_ = values

    def __tensor_flatten__(self):  # with it, a module's parameters can become such tensors
        return ["values_"], None

    @classmethod
    def __tensor_unflatten__(cls, parts, _context, _size, _stride):
        return cls(parts["values_"])

    @classmethod
    def __torch_dispatch__(cls, function, types, args=(), kwargs=None):
        return compute(function, args, kwargs or {})


class OnAnyDevice(TorchDispatchMode):
    """Makes new tensors on the GPU, too, where they are asked for there."""

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        return compute(function, args, kwargs or {})


class OwnGenerators(TorchFunctionMode):
    """Refuses to draw with the generator of another device."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        generator, device = kwargs.get("generator"), torch.device(kwargs.get("device") or "cpu")
        if generator is not None and generator.device.type != device.type:
            raise RuntimeError(f"{function.__name__}: expected a generator on {device}")
        return function(*args, **kwargs)


def values_of(value):
    return value.values_ if isinstance(value, OnGPU) else value


def compute(function, args, kwargs):
    """What the operation gives on the CPU, said to be where a GPU would have it."""
    name, device = function._schema.name, kwargs.get("device")
    tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
    gives_gpu = any(isinstance(tensor, OnGPU) for tensor in tensors)
    elsewhere = [t for t in tensors if not isinstance(t, OnGPU) and t.ndim]
    if gives_gpu and elsewhere and name not in _CROSSING:
        raise RuntimeError(f"{name}: expected all tensors to be on the same device")
    if device is not None:
        gives_gpu = torch.device(device).type == "cuda"
        kwargs = {**kwargs, "device": torch.device("cpu")}
    given = {id(values_of(tensor)): tensor for tensor in tensors}
    out = function(*tree_map(values_of, args), **tree_map(values_of, kwargs))

    def place(value):
        if not isinstance(value, torch.Tensor):
            return value
        return given[id(value)] if id(value) in given else OnGPU(value)

    return tree_map(place, out) if gives_gpu else out


class Generator(_Generator):
    """A generator that says where it is; its numbers are a CPU's."""

    def __new__(cls, device="cpu"):
        generator = _Generator.__new__(cls)
        generator.place = torch.device(device)
        return generator

    @property
    def device(self):
        return self.place

    def manual_seed(self, seed):
        super().manual_seed(seed)
        return self


@torch.no_grad()
def gradients(loss):
    """The gradient of each leaf, node by node: PyTorch's engine asks the driver for its devices."""
    order, seen, leaves = [], set(), {}

    def visit(node):
        if node is not None and node not in seen:
            seen.add(node)
            for following, _ in node.next_functions:
                visit(following)
            order.append(node)

    visit(loss.grad_fn)
    reached = {loss.grad_fn: {0: torch.ones_like(loss)}}
    for node in reversed(order):
        mine = reached.pop(node, {})
        if hasattr(node, "variable"):
            leaves[node.variable] = mine[0]
            continue
        inputs = [mine.get(number) for number in range(max(mine, default=0) + 1)]
        outputs = node(*inputs)
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        for (following, number), gradient in zip(node.next_functions, outputs, strict=True):
            if following is not None and gradient is not None:
                about = following._input_metadata[number]
                gradient = gradient.sum_to_size(about.shape).to(about.dtype)  # of what was spread
                theirs = reached.setdefault(following, {})
                before = theirs.get(number)
                theirs[number] = gradient if before is None else before + gradient
    return leaves


def backward(loss):
    for leaf, gradient in gradients(loss).items():
        leaf.grad = gradient if leaf.grad is None else leaf.grad + gradient


def grad(loss, leaf):
    return (gradients(loss)[leaf],)


@pytest.fixture
def gpu(monkeypatch):
    """The device "cuda", which is there as long as the test takes."""
    if torch.version.cuda is None:
        pytest.skip("this PyTorch was built without CUDA")
    for name, answer in _ANSWERS.items():
        monkeypatch.setattr(torch.cuda, name, lambda *_, answer=answer, **__: answer)
    monkeypatch.setattr(torch, "Generator", Generator)
    monkeypatch.setattr(torch.Tensor, "backward", backward)
    monkeypatch.setattr(torch.autograd, "grad", grad)
    # Tensors of this kind cannot be made in inference mode.
    monkeypatch.setattr(torch._C, "_InferenceMode", lambda on: torch.no_grad())
    torch._C._ensureCUDADeviceGuardSet()
    # Of cuDNN's own operations a CPU has none.
    with torch.backends.cudnn.flags(enabled=False), OwnGenerators(), OnAnyDevice():
        yield GPU
