"""The captioner against loops in plain Python, and what must hold for any of its sizes."""

import pytest
import torch

import loops
from zokusei.captioning.losses import (
    compute_annotation_distance,
    compute_attention_distance,
    compute_coverage_loss,
    compute_word_divergence,
    compute_word_loss,
)
from zokusei.captioning.model import CaptionModel, Decoder, State
from zokusei.errors import ConfigError

WORDS, FEATURES = 7, 5


def create_decoder(gate="vector", dropout=0.0, seed=0):
    torch.manual_seed(seed)
    decoder = Decoder(
        WORDS, FEATURES, embedding=3, hidden=4, attention=6, gate=gate, dropout=dropout
    )
    return decoder.double()


def step_by_hand(weights, word, hidden, cell, annotations):
    def linear(name, vector):
        return loops.linear(weights[f"{name}.weight"], vector, weights.get(f"{name}.bias"))

    query = linear("query", hidden)
    energies = [
        linear("energy", loops.relu(loops.add(linear("key", a), query)))[0] for a in annotations
    ]
    alphas = loops.softmax(energies)
    seen = [sum(alpha * a[d] for alpha, a in zip(alphas, annotations, strict=True))
            for d in range(FEATURES)]  # fmt: skip
    gate = loops.sigmoid(linear("gate", hidden))
    context = loops.multiply(gate * (FEATURES // len(gate)), seen)
    embedded = weights["embed.weight"][word]
    mixed = loops.add(
        loops.linear(weights["cell.weight_ih"], [*embedded, *context], weights["cell.bias_ih"]),
        loops.linear(weights["cell.weight_hh"], hidden, weights["cell.bias_hh"]),
    )
    width = len(hidden)
    i, f, g, o = (mixed[part * width : (part + 1) * width] for part in range(4))
    cell = loops.add(
        loops.multiply(loops.sigmoid(f), cell), loops.multiply(loops.sigmoid(i), loops.tanh(g))
    )
    hidden = loops.multiply(loops.sigmoid(o), loops.tanh(cell))
    both = loops.add(linear("from_hidden", hidden), linear("from_context", context))
    logits = linear("word", loops.add(embedded, both))
    return alphas, hidden, cell, logits


def start_by_hand(weights, annotations):
    mean = [sum(a[d] for a in annotations) / len(annotations) for d in range(FEATURES)]
    return [
        loops.tanh(loops.linear(weights[f"{name}.weight"], mean, weights[f"{name}.bias"]))
        for name in ("start_hidden", "start_cell")
    ]


@pytest.mark.parametrize("gate", ["vector", "scalar"])
def test_captions_of_different_lengths_against_a_loop(gate):
    decoder = create_decoder(gate)
    torch.manual_seed(1)
    annotations = torch.randn(3, 4, FEATURES, dtype=torch.float64)
    tokens = torch.tensor(
        [[[1, 4, 2, 0, 0], [1, 5, 6, 4, 2]], [[1, 6, 6, 2, 0], [1, 2, 0, 0, 0]],
         [[1, 3, 5, 4, 2], [0, 0, 0, 0, 0]]]
    )  # fmt: skip
    lengths = torch.tensor([[2, 4], [3, 1], [4, 0]])
    decoded = decoder(annotations, tokens, lengths)
    weights = loops.numbers(decoder)
    wanted = {}
    for p in range(3):
        for k in range(2):
            hidden, cell = start_by_hand(weights, annotations[p].tolist())
            for t in range(int(lengths[p, k])):
                alphas, hidden, cell, logits = step_by_hand(
                    weights, int(tokens[p, k, t]), hidden, cell, annotations[p].tolist()
                )
                wanted[p, k, t] = logits, int(tokens[p, k, t + 1])
                torch.testing.assert_close(
                    decoded.alphas[p, k, t], torch.tensor(alphas, dtype=torch.float64)
                )
            assert not decoded.alphas[p, k, int(lengths[p, k]) :].any()
    found = sorted(zip(decoded.logits.tolist(), decoded.targets.tolist(), strict=True))
    for one, other in zip(found, sorted(wanted.values()), strict=True):
        assert one[0] == pytest.approx(other[0], rel=1e-9)
        assert one[1] == other[1]


def test_a_step_of_two_beams_against_a_loop():
    decoder = create_decoder()
    torch.manual_seed(2)
    annotations = torch.randn(2, 3, FEATURES, dtype=torch.float64)
    state = State(*(torch.randn(2, 2, 4, dtype=torch.float64) for _ in range(2)))
    words = torch.tensor([[4, 5], [6, 1]])
    taken = decoder.step(words, state, annotations, decoder.key(annotations))
    logits = decoder.predict(taken.embedded, taken.state.hidden, taken.context)
    weights = loops.numbers(decoder)
    for p in range(2):
        for k in range(2):
            wanted = step_by_hand(
                weights, int(words[p, k]), state.hidden[p, k].tolist(), state.cell[p, k].tolist(),
                annotations[p].tolist(),
            )  # fmt: skip
            given = (taken.alphas, taken.state.hidden, taken.state.cell, logits)
            for one, other in zip(given, wanted, strict=True):
                assert one[p, k].tolist() == pytest.approx(other, rel=1e-9)


def test_a_caption_does_not_depend_on_the_others():
    decoder = create_decoder()
    annotations = torch.randn(2, 4, FEATURES, dtype=torch.float64)
    tokens = torch.tensor([[[1, 4, 2, 0], [1, 5, 6, 2]], [[1, 6, 2, 0], [1, 4, 2, 0]]])
    lengths = torch.tensor([[2, 3], [2, 2]])
    whole = decoder(annotations, tokens, lengths).alphas
    alone = decoder(annotations[1:], tokens[1:, :1], lengths[1:, :1]).alphas
    torch.testing.assert_close(whole[1:, :1, :2], alone)


@pytest.mark.parametrize("gate", ["vector", "scalar"])
def test_gradients_reach_every_parameter(gate):
    torch.manual_seed(0)
    model = CaptionModel(
        WORDS, "test_efficientnet", embedding=8, hidden=8, attention=8, gate=gate, dropout=0.0
    )
    tokens = torch.tensor([[[1, 4, 3, 5, 6, 2]], [[1, 5, 4, 2, 0, 0]]])
    lengths = torch.tensor([[5], [3]])
    decoded = model(torch.randn(2, 3, 64, 64), tokens, lengths)
    loss = compute_word_loss(decoded.logits, decoded.targets)
    (loss + compute_coverage_loss(decoded.alphas, lengths)).backward()
    for name, weight in model.named_parameters():
        assert weight.grad is not None, name
        assert weight.grad.abs().max() > 0, name


def test_images_and_their_annotations_give_the_same():
    model = CaptionModel(9, "test_efficientnet", embedding=8, hidden=8, attention=8).eval()
    images = torch.randn(2, 3, 64, 96)
    tokens, lengths = torch.tensor([[[1, 4, 2]], [[1, 5, 2]]]), torch.tensor([[2], [2]])
    annotations = model.encode(images)
    assert annotations.shape == (2, 6, model.backbone.num_features)
    features = model.backbone(images)
    torch.testing.assert_close(annotations[0, 4], features[0, :, 1, 1])
    one, two = model(images, tokens, lengths), model(annotations, tokens, lengths)
    torch.testing.assert_close(one.logits, two.logits)


def test_dropout_acts_in_training_only():
    decoder = create_decoder(dropout=0.5)
    annotations = torch.randn(1, 4, FEATURES, dtype=torch.float64)
    tokens, lengths = torch.tensor([[[1, 4, 2]]]), torch.tensor([[2]])
    one, two = (decoder(annotations, tokens, lengths).logits for _ in range(2))
    assert not torch.equal(one, two)
    decoder.eval()
    one, two = (decoder(annotations, tokens, lengths).logits for _ in range(2))
    assert torch.equal(one, two)


def test_an_unknown_gate_is_refused():
    with pytest.raises(ConfigError, match="gate 'both'"):
        CaptionModel(9, "test_efficientnet", gate="both")


def test_the_losses_against_loops():
    torch.manual_seed(0)
    alphas = torch.rand(2, 2, 3, 4, dtype=torch.float64).softmax(-1)
    lengths = torch.tensor([[3, 1], [2, 0]])
    other = torch.rand(2, 2, 3, 4, dtype=torch.float64).softmax(-1)
    for p in range(2):
        for k in range(2):
            for maps in (alphas, other):
                maps[p, k, int(lengths[p, k]) :] = 0
    missed, moved, captions = 0.0, 0.0, 0
    for p in range(2):
        for k in range(2):
            if lengths[p, k] == 0:
                continue
            captions += 1
            for i in range(4):
                missed += (1 - sum(float(alphas[p, k, t, i]) for t in range(3))) ** 2 / 4
                moved += sum(abs(float(alphas[p, k, t, i] - other[p, k, t, i])) for t in range(3))
    found = compute_coverage_loss(alphas, lengths)
    assert float(found) == pytest.approx(missed / captions)
    distance = compute_attention_distance(alphas, other, lengths)
    assert float(distance) == pytest.approx(moved / 6)
    seen, told = torch.randn(2, 3, 4, 5, dtype=torch.float64)
    counted = torch.tensor([[3, 1], [0, 0], [0, 2]])  # the second picture has no caption
    off = sum(
        (a - b) ** 2
        for p in (0, 2)
        for a, b in zip(seen[p].flatten().tolist(), told[p].flatten().tolist(), strict=True)
    )
    length = sum(b**2 for p in (0, 2) for b in told[p].flatten().tolist())
    found = compute_annotation_distance(seen, told, counted)
    assert float(found) == pytest.approx(off / length)
    logits, wanted = torch.randn(2, 3, 5, dtype=torch.float64)
    total = 0.0
    for own, target in zip(logits.tolist(), wanted.tolist(), strict=True):
        p, q = loops.softmax(own), loops.softmax(target)
        total += sum(b * (torch.tensor(b).log() - torch.tensor(a).log())
                     for a, b in zip(p, q, strict=True))  # fmt: skip
    divergence = compute_word_divergence(logits, wanted)
    assert float(divergence) == pytest.approx(float(total) / 3, rel=1e-6)
    assert float(compute_word_divergence(logits, logits)) == pytest.approx(0, abs=1e-12)
    targets, smoothing = torch.tensor([1, 0, 4]), 0.1
    words = 0.0
    for own, target in zip(logits.tolist(), targets.tolist(), strict=True):
        logs = [float(torch.tensor(chance, dtype=torch.float64).log())
                for chance in loops.softmax(own)]  # fmt: skip
        words -= (1 - smoothing) * logs[target] + smoothing * sum(logs) / 5
    assert float(compute_word_loss(logits, targets, smoothing)) == pytest.approx(words / 3)
