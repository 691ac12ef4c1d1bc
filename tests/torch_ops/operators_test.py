#!/usr/bin/env python3
"""torch.ops.moca beside its definition in plain PyTorch, and where torch traces it.

usage: .venv/bin/python tests/torch_ops/operators_test.py LIBRARY [NAME ...]
"""

import contextlib
import itertools
import math
import pathlib
import runpy
import sys
import unittest
import unittest.mock

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
from plain_models import cpu_torch  # noqa: E402,F401 (before torch)
import torch  # noqa: E402
from torch.utils._python_dispatch import TorchDispatchMode  # noqa: E402

B, H, L, M, K = 2, 3, 5, 2, 4
TOLERANCE = 2e-6  # of fp32, whose definition is computed in fp64
ops = torch.ops.moca


def routed(anchor_query, anchor_key, num_selected, activation="sigmoid", sampling="none",
           uniform=None):
    """Eq. 4, and the selection, one component and head at a time."""
    N = anchor_query.shape[1]
    k = min(num_selected, N - 1)
    rows, lists = [], []
    for b, i, h in itertools.product(range(B), range(N), range(H)):
        logits = anchor_key[b, :, h] @ anchor_query[b, i, h] / math.sqrt(K)
        others = [j for j in range(N) if j != i]
        itself = torch.arange(N) == i
        rows.append(logits.sigmoid() if activation == "sigmoid" else
                    logits.masked_fill(itself, -math.inf if others else 0).softmax(0))
        ranks = logits
        if sampling != "none":
            shares = rows[-1] if sampling == "importance" else logits.softmax(0)
            ranks = shares.log() - (-uniform[b, i, h].log()).log()
        first = sorted(others, key=lambda j: -ranks[j].item())[:k]
        lists.append(first + [j for j in others if j not in first])
    lists = torch.tensor(lists, dtype=torch.long).view(B, N, H, N - 1)
    return torch.stack(rows).view(B, N, H, N), lists[..., :k], lists[..., k:]


def attended(query, key, value, compressed_key, compressed_value, importance, selected, rest,
             gate_target="key", attend_compressed=True, gate_compressed=True):
    """Eq. 6-8, one component and head at a time."""
    rows = []
    for b, i, h in itertools.product(range(B), range(query.shape[1]), range(H)):
        keys, values = [key[b, i, h]], [value[b, i, h]]
        others = [(j, key, value, True) for j in selected[b, i, h].tolist()]
        if attend_compressed:
            others += [(j, compressed_key, compressed_value, gate_compressed)
                       for j in rest[b, i, h].tolist()]
        for j, their_keys, their_values, gated in others:
            gate = importance[b, i, h, j]
            keys.append(their_keys[b, j, h] * (gate if gated and gate_target == "key" else 1))
            values.append(their_values[b, j, h] * (gate if gated and gate_target == "value" else 1))
        scores = query[b, i, h] @ torch.cat(keys).T / math.sqrt(K)
        rows.append(scores.softmax(-1) @ torch.cat(values))
    return torch.stack(rows).view(query.shape)


def anchors_of(N):
    return [torch.randn(B, N, H, K).requires_grad_() for _ in range(2)]


def tokens_of(N, dtype=torch.float32):
    """Query, key, value, compressed key and value, laid out as projections make them."""
    return [torch.randn(B, N, S, H, K).to(dtype).transpose(2, 3).requires_grad_()
            for S in (L, L, L, M, M)]


def arguments_of(N, num_selected, dtype=torch.float32):
    importance, selected, rest = ops.route(*anchors_of(N), num_selected)
    return *tokens_of(N, dtype), importance.detach().requires_grad_(), selected, rest


def without_compressed(arguments):
    return *arguments[:3], None, None, *arguments[5:]


def in_double(tensors):
    return [x.detach().double().requires_grad_(x.requires_grad)
            if isinstance(x, torch.Tensor) and x.is_floating_point() else x for x in tensors]


def gradients(output, inputs):
    weights = torch.linspace(-1, 1, output.numel(), dtype=torch.double).view(output.shape)
    wanted = [x for x in inputs if isinstance(x, torch.Tensor) and x.requires_grad]
    return torch.autograd.grad((output * weights.to(output.dtype)).sum(), wanted,
                               allow_unused=True, materialize_grads=True)


def route_and_attend(*tensors):
    """Of tokens_of, anchors_of and uniform."""
    routing = ops.route(*tensors[5:7], 3, "sigmoid", "importance", tensors[7])
    return ops.moc_attention(*tensors[:5], *routing)


def tensors_of(N):
    return *tokens_of(N), *anchors_of(N), torch.rand(B, N, H, N)


class Calls(TorchDispatchMode):
    """Sees every operator that is called."""

    def __init__(self):
        super().__init__()
        self.names = []

    def __torch_dispatch__(self, function, types, arguments=(), options=None):
        self.names.append(function.name())
        return function(*arguments, **(options or {}))


class Case(unittest.TestCase):
    largest = 0.0

    def setUp(self):
        torch.manual_seed(0)
        torch._dynamo.reset()

    def expect_close(self, found, expected, tolerance=TOLERANCE):
        for x, y in zip(found, expected, strict=True):
            self.assertEqual(x.shape, y.shape)
            difference = (x - y).detach().abs().max().item() if x.numel() else 0.0
            if tolerance == TOLERANCE:
                Case.largest = max(Case.largest, difference)
            self.assertLessEqual(difference, tolerance)

    def expect_definition(self, arguments, tolerance=TOLERANCE, **options):
        exact = in_double(arguments)
        output, expected = ops.moc_attention(*arguments, **options), attended(*exact, **options)
        self.assertEqual(output.dtype, arguments[0].dtype)
        self.expect_close([output], [expected], tolerance)
        self.expect_close(gradients(output, arguments), gradients(expected, exact), tolerance)

    def expect_same(self, compiled, function, inputs):
        output, expected = compiled(*inputs), function(*inputs)
        self.assertEqual(output.dtype, expected.dtype)
        self.expect_close([output], [expected])
        self.expect_close(gradients(output, inputs), gradients(expected, inputs))


class Definition(Case):
    def test_attention_and_its_gradients(self):
        for N, k in ((1, 4), (2, 0), (2, 4), (8, 0), (8, 3), (8, 7)):
            with self.subTest(N=N, k=k):
                self.expect_definition(arguments_of(N, k))
        for options in ({"gate_target": "value"}, {"gate_target": "none"},
                        {"gate_compressed": False}, {"attend_compressed": False}):
            with self.subTest(**options):
                self.expect_definition(arguments_of(8, 3), **options)

    def test_attention_of_a_model_s_sizes(self):
        sizes = {"B": 1, "H": 2, "L": 256, "M": 16, "K": 64}
        with unittest.mock.patch.multiple(sys.modules[__name__], **sizes):
            arguments = arguments_of(8, 3)
            exact = in_double(arguments)
            output, expected = ops.moc_attention(*arguments), attended(*exact)
            found = [output, *gradients(output, arguments)]
            expected = [expected, *gradients(expected, exact)]
            scales = [x.detach().abs().max() for x in expected]
            self.expect_close([x / scale for x, scale in zip(found, scales, strict=True)],
                              [x / scale for x, scale in zip(expected, scales, strict=True)])

    def test_attention_where_nothing_is_compressed(self):
        self.expect_definition(without_compressed(arguments_of(4, 3)))
        self.expect_definition(without_compressed(arguments_of(8, 3)), attend_compressed=False)

    def test_attention_in_bf16(self):
        self.expect_definition(arguments_of(8, 3, torch.bfloat16), tolerance=0.05)

    def test_routing_and_its_gradients(self):
        for N, activation, sampling in itertools.product(
                (1, 2, 8), ("sigmoid", "softmax"), ("none", "importance", "logits")):
            with self.subTest(N=N, activation=activation, sampling=sampling):
                anchors = anchors_of(N)
                uniform = None if sampling == "none" else torch.rand(B, N, H, N)
                found = ops.route(*anchors, 3, activation, sampling, uniform)
                exact = in_double([*anchors, 3, activation, sampling, uniform])
                expected = routed(*exact)
                self.expect_close(found, expected)
                self.expect_close(gradients(found[0], anchors), gradients(expected[0], exact))

    def test_autocast_casts_everything_but_the_routing(self):
        tensors = tensors_of(8)
        with torch.autocast("cpu", torch.bfloat16):
            importance, _, _ = ops.route(*[x.bfloat16() for x in tensors[5:7]], 3)
            output = route_and_attend(*tensors)
        self.assertEqual((importance.dtype, output.dtype), (torch.float32, torch.bfloat16))
        expected = route_and_attend(*tensors)
        self.expect_close([output], [expected], 0.05)
        self.expect_close(gradients(output, tensors), gradients(expected, tensors), 0.05)


class Traced(Case):
    def test_opcheck_finds_nothing(self):
        arguments = arguments_of(8, 3)
        for case in (arguments, without_compressed(arguments_of(4, 3))):
            torch.library.opcheck(ops.moc_attention.default, case)
        detached = [x if x is None else x.detach() for x in arguments]
        torch.library.opcheck(ops.moc_attention_backward.default,
                              (torch.randn_like(arguments[0]), *detached))
        uniform = torch.rand(B, 8, H, 8)
        torch.library.opcheck(ops.route.default, (*anchors_of(8), 3))
        torch.library.opcheck(ops.route.default, (*anchors_of(8), 9, "softmax", "logits", uniform))
        torch.library.opcheck(ops.select_components.default, (uniform, 3))

    def test_compiled_whole_it_gives_the_same(self):
        compiled = torch.compile(route_and_attend, fullgraph=True, backend="aot_eager")
        self.expect_same(compiled, route_and_attend, tensors_of(8))

    def test_compiled_once_it_takes_any_number_of_components(self):
        compiled = torch.compile(route_and_attend, fullgraph=True, backend="aot_eager",
                                 dynamic=True)
        for N in (8, 6, 7):
            with torch._dynamo.config.patch(error_on_recompile=N != 8):
                self.expect_same(compiled, route_and_attend, tensors_of(N))

    def test_compiled_it_is_cast_by_autocast(self):
        def in_bf16(*tensors):
            with torch.autocast("cpu", torch.bfloat16):
                return route_and_attend(*tensors)

        compiled = torch.compile(in_bf16, fullgraph=True, backend="aot_eager")
        self.expect_same(compiled, in_bf16, tensors_of(8))

    def test_exported_it_gives_the_same(self):
        class Module(torch.nn.Module):
            def forward(self, *tensors):
                return route_and_attend(*tensors)

        components = torch.export.Dim("components", min=6, max=64)
        shapes = *[{1: components}] * 7, {1: components, 3: components}
        exported = torch.export.export(Module(), tensors_of(8), dynamic_shapes=[shapes]).module()
        other = tensors_of(9)
        self.expect_close([exported(*other)], [route_and_attend(*other)])

    def test_only_where_somebody_traces_its_backward_pass_attends_again(self):
        tensors = tensors_of(8)
        output = route_and_attend(*tensors)
        self.assertNotIn("Traced", output.grad_fn.name())
        expected = gradients(output, tensors)
        with Calls() as calls:
            found = gradients(route_and_attend(*tensors), tensors)
        self.assertIn("moca::moc_attention_backward", calls.names)
        self.expect_close(found, expected)

    def test_a_second_derivative_is_refused(self):
        tensors = tensors_of(8)
        for mode in (contextlib.nullcontext(), Calls()):
            with self.subTest(mode), mode, self.assertRaises(RuntimeError):
                (first,) = torch.autograd.grad(route_and_attend(*tensors).sum(), tensors[:1],
                                               create_graph=True)
                first.sum().backward()
        output = route_and_attend(*tensors)
        (first,) = torch.autograd.grad(output.sum(), tensors[:1], create_graph=True)
        with self.assertRaisesRegex(RuntimeError, "no second derivative"):
            (output.pow(2).sum() + first.pow(2).sum()).backward()  # a penalty on the gradient

    def test_lists_that_changed_before_the_backward_pass_are_noticed(self):
        arguments = arguments_of(8, 3, torch.half)  # keys and values are packed, as on a GPU
        for lists in arguments[-2:]:
            output = ops.moc_attention(*arguments)
            before = lists.clone()
            lists.fill_(10**8)
            with self.assertRaisesRegex(RuntimeError, "inplace operation"):
                output.sum().backward()
            lists.copy_(before)

    def test_a_ranking_of_another_shape_is_refused(self):
        for ranking in (torch.rand(2, 3, 4), torch.rand(2, 3, 4, 1), torch.rand(2, 3, 4, 3).double()):
            with self.assertRaises(RuntimeError):
                ops.select_components(ranking, 1)

    def test_the_example_runs_and_compiles(self):
        file = ROOT / "examples/pytorch/part_attention.py"
        sys.argv[:] = [str(file), str(LIBRARY)]
        example = runpy.run_path(str(file), run_name="__main__")
        module = example["MocGlobalAttention"](16, 2, num_compressed=2, num_selected=2)
        compiled = torch.compile(module, fullgraph=True, backend="aot_eager")
        compiled(torch.randn(8, 7, 16), 4).sum().backward()  # in training: draws
        module.eval()
        tokens = torch.randn(8, 7, 16)
        self.expect_close([compiled(tokens, 4)], [module(tokens, 4)])


class Mistakes(Case):
    def expect_refused(self, words, operator, *arguments, **options):
        with Calls() as calls, self.assertRaises(RuntimeError) as refused:
            operator(*arguments, **options)
        (message,) = str(refused.exception).strip().splitlines()
        for word in words:
            self.assertIn(word, message)
        return calls.names

    def test_tensors_of_two_devices_are_named_before_anything_is_computed(self):
        names = ("query", "key", "value", "compressed_key", "compressed_value", "importance",
                 "selected", "rest")
        for i, name in enumerate(names):
            arguments = list(arguments_of(8, 3))
            arguments[i] = arguments[i].to("meta")
            there, here = ("cpu", "meta") if i == 0 else ("meta", "cpu")
            words = (f"{name if i else 'key'} is on {there}", f"query on {here}", "one device")
            for autocast in (False, True):
                with self.subTest(name), torch.autocast("cpu", torch.bfloat16, enabled=autocast):
                    self.assertEqual(self.expect_refused(words, ops.moc_attention, *arguments), [])
        query, key = anchors_of(8)
        uniform = torch.rand(B, 8, H, 8)
        self.assertEqual(self.expect_refused(("anchor_key is on meta", "anchor_query on cpu"),
                                             ops.route, query, key.to("meta"), 3), [])
        self.assertEqual(self.expect_refused(("uniform is on meta", "anchor_query on cpu"), ops.route,
                                             query, key, 3, "sigmoid", "importance",
                                             uniform.to("meta")), [])

    def test_wrong_shapes_and_types_are_named(self):
        good = arguments_of(8, 3)
        names = ("query", "key", "value", "compressed_key", "compressed_value", "importance",
                 "selected", "rest")
        for i, name in enumerate(names):
            if i == 0:
                continue
            arguments = list(good)
            arguments[i] = arguments[i].narrow(2, 0, 2)
            with self.subTest(name):
                self.expect_refused((f"expected {name} [B, N, H, ", "[2, 8, 2, "),
                                    ops.moc_attention, *arguments)
        self.expect_refused(("expected query [B, N, H, L, K] with 5 axes",), ops.moc_attention,
                            good[0][0], *good[1:])
        self.expect_refused(("key is BFloat16", "query is Float"), ops.moc_attention, good[0],
                            good[1].bfloat16(), *good[2:])
        self.expect_refused(("compressed_key [B, N, H, M, K] is undefined",), ops.moc_attention,
                            *without_compressed(good))
        query, key = anchors_of(8)
        self.expect_refused(("anchor_key", "[2, 7, 3, 4]"), ops.route, query, key[:, :7], 3)
        self.expect_refused(("expected uniform [B, N, H, N] = [2, 8, 3, 8]",), ops.route, query, key,
                            3, "sigmoid", "importance", torch.rand(B, 8, H, 7))

    def test_unknown_words_are_refused_with_the_known_ones(self):
        query, key = anchors_of(8)
        self.expect_refused(("gate_target is 'keys'", "'key', 'value', 'none'"), ops.moc_attention,
                            *arguments_of(8, 3), gate_target="keys")
        self.expect_refused(("activation is 'relu'", "'sigmoid', 'softmax'"), ops.route, query, key,
                            3, "relu")
        self.expect_refused(("sampling", "'gumbel'", "'importance', 'logits'"), ops.route, query,
                            key, 3, "sigmoid", "gumbel", torch.rand(B, 8, H, 8))
        self.expect_refused(("sampling 'importance' needs uniform",), ops.route, query, key, 3,
                            "sigmoid", "importance")
        self.expect_refused(("num_selected must be at least 0, got -1",), ops.route, query, key, -1)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    LIBRARY = pathlib.Path(sys.argv.pop(1)).resolve()
    torch.ops.load_library(str(LIBRARY))
    torch.set_num_threads(1)
    program = unittest.main(exit=False)
    print(f"largest difference: {Case.largest:.2e}")
    sys.exit(not program.result.wasSuccessful())
