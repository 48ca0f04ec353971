"""Show, Attend and Tell: a caption written word by word, each with a look at the picture.

Xu et al., Show, Attend and Tell: Neural Image Caption Generation with Visual Attention, 2015, with
soft attention. Where the paper leaves a choice, that of the widely used PyTorch version is taken:
ReLU in the attention, and a gate with one value a channel (the paper has one for all of them).

Several captions of one picture share its annotations: `k` below is how many, in training the
captions that are learnt in one step, in use the beams of the search.
"""

from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from zokusei.captioning.vocabulary import PAD
from zokusei.errors import ConfigError
from zokusei.models.backbone import Backbone


class State(NamedTuple):
    """What the writer remembers between two words.

    Attributes:
        hidden: pictures x k x hidden.
        cell: the same.
    """

    hidden: Tensor
    cell: Tensor


class Step(NamedTuple):
    """One word further.

    Attributes:
        state: after the word.
        alphas: pictures x k x positions; where it looked, with a sum of 1.
        embedded: pictures x k x embedding; the word before.
        context: pictures x k x features; what it saw.
    """

    state: State
    alphas: Tensor
    embedded: Tensor
    context: Tensor


class Decoded(NamedTuple):
    """What a model says of captions that it was given word by word.

    Attributes:
        logits: words x vocabulary, of every word of every caption, in one order for equal lengths.
        targets: words; those that should have come.
        alphas: pictures x k x steps x positions; 0 after a caption's end.
        annotations: pictures x positions x features; what was read.
    """

    logits: Tensor
    targets: Tensor
    alphas: Tensor
    annotations: Tensor


class CaptionModel(nn.Module):
    r"""Encoder and writer.

    With annotations a_1 ... a_L of a picture (the positions of its feature map), for each word t

    .. math::
        e_{ti} = w^\top \mathrm{ReLU}(W_a a_i + W_h h_{t-1}), \quad
        \alpha_t = \mathrm{softmax}(e_t), \quad
        z_t = \sigma(W_\beta h_{t-1}) \odot \sum_i \alpha_{ti} a_i

        h_t, c_t = \mathrm{LSTM}([E y_{t-1}; z_t], h_{t-1}, c_{t-1}), \quad
        p(y_t) \propto \exp(L_o (E y_{t-1} + L_h h_t + L_z z_t))

    (Xu et al. 2015, eq. 1 to 7 and 13 with soft attention). h_0 and c_0 are tanh of a linear
    function of the mean annotation.

    Args:
        num_words: of the vocabulary, specials included.
        backbone: a convolutional timm model.
        embedding: width of a word's vector.
        hidden: of the LSTM.
        attention: width in which annotations and state are compared.
        gate: `vector`, a value a channel, or `scalar`, the paper's one for all.
        dropout: on word vectors, and before the last layer.

    Raises:
        ModelError: timm has no such backbone.
        ConfigError: the gate is unknown.

    >>> model = CaptionModel(9, "test_efficientnet", embedding=8, hidden=8, attention=8).eval()
    >>> annotations = model.encode(torch.zeros(2, 3, 64, 64))
    >>> tokens, lengths = torch.tensor([[[1, 4, 2]], [[1, 5, 2]]]), torch.tensor([[2], [2]])
    >>> decoded = model(annotations, tokens, lengths)
    >>> decoded.logits.shape, decoded.alphas.shape
    (torch.Size([4, 9]), torch.Size([2, 1, 2, 4]))
    """

    def __init__(
        self,
        num_words: int,
        backbone: str = "tf_efficientnet_lite0",
        *,
        embedding: int = 256,
        hidden: int = 512,
        attention: int = 256,
        gate: str = "vector",
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        sizes = {"embedding": embedding, "hidden": hidden, "attention": attention}
        options = {**sizes, "gate": gate, "dropout": dropout}
        self.arguments: dict[str, Any] = {"num_words": num_words, "backbone": backbone, **options}
        self.backbone = Backbone(backbone)
        if gate not in ("vector", "scalar"):
            raise ConfigError(f"unknown gate {gate!r}; give vector or scalar")
        self.head = Decoder(
            num_words, self.backbone.num_features, **sizes, gate=gate, dropout=dropout
        )

    def encode(
        self, images: Float[Tensor, "pictures 3 height width"]
    ) -> Float[Tensor, "pictures positions features"]:
        """Give the annotations of pictures, row by row of the feature map."""
        return to_annotations(self.backbone(images))

    def forward(
        self,
        pictures: Float[Tensor, "pictures *rest"],
        tokens: Int[Tensor, "pictures k numbers"],
        lengths: Int[Tensor, "pictures k"],
    ) -> Decoded:
        """Read captions word by word, whatever the model would have said (teacher forcing).

        Args:
            pictures: images (pictures x 3 x height x width), or annotations that `encode` has made
                (pictures x positions x features).
            tokens: from start to end, filled up.
            lengths: words that are to be said, the end included; 0 for a caption that is none.
        """
        annotations = self.encode(pictures) if pictures.ndim == 4 else pictures
        decoded: Decoded = self.head(annotations, tokens, lengths)
        return decoded


def to_annotations(
    features: Float[Tensor, "pictures features rows columns"],
) -> Float[Tensor, "pictures positions features"]:
    """Give the positions of feature maps, row by row."""
    return features.flatten(2).transpose(1, 2).contiguous()


class Decoder(nn.Module):
    """The writer; see `CaptionModel` for formula and arguments."""

    def __init__(
        self,
        num_words: int,
        num_features: int,
        *,
        embedding: int,
        hidden: int,
        attention: int,
        gate: str,
        dropout: float,
    ) -> None:
        super().__init__()
        self.embed = nn.Embedding(num_words, embedding, padding_idx=PAD)
        self.key = nn.Linear(num_features, attention)
        # One bias serves the sum of both, and what is equal for all positions falls out of softmax.
        self.query = nn.Linear(hidden, attention, bias=False)
        self.energy = nn.Linear(attention, 1, bias=False)
        self.gate = nn.Linear(hidden, num_features if gate == "vector" else 1)
        self.cell = nn.LSTMCell(embedding + num_features, hidden)
        self.start_hidden = nn.Linear(num_features, hidden)
        self.start_cell = nn.Linear(num_features, hidden)
        self.from_hidden = nn.Linear(hidden, embedding)
        self.from_context = nn.Linear(num_features, embedding, bias=False)
        self.word = nn.Linear(embedding, num_words)
        self.dropout = nn.Dropout(dropout)
        for weight in (self.embed.weight, self.word.weight):
            nn.init.uniform_(weight, -0.1, 0.1)
        with torch.no_grad():
            self.embed.weight[PAD] = 0.0
        nn.init.zeros_(self.word.bias)

    def forward(
        self,
        annotations: Float[Tensor, "pictures positions features"],
        tokens: Int[Tensor, "pictures k numbers"],
        lengths: Int[Tensor, "pictures k"],
    ) -> Decoded:
        """Read captions word by word; see `CaptionModel.forward`."""
        longest = lengths.amax(1)
        # Pictures whose captions are all read drop out of the rest of the steps.
        order = longest.argsort(descending=True, stable=True)
        given, annotations = annotations, annotations[order]
        tokens, lengths = tokens[order], lengths[order]
        steps = int(longest.max())
        left = [int((longest > step).sum()) for step in range(steps)]
        keys, state = self.key(annotations), self.start(annotations, tokens.shape[1])
        said, looks = [], []
        for step, count in enumerate(left):
            state = State(state.hidden[:count], state.cell[:count])
            taken = self.step(tokens[:count, :, step], state, annotations[:count], keys[:count])
            state = taken.state
            going = lengths[:count] > step
            said.append([x[going] for x in (taken.embedded, state.hidden, taken.context)])
            looks.append(_fill(taken.alphas * going[..., None], len(annotations)))
        targets = [
            tokens[:count, :, step + 1][lengths[:count] > step] for step, count in enumerate(left)
        ]
        # One large product instead of one a step.
        logits = self.predict(*(torch.cat(parts) for parts in zip(*said, strict=True)))
        alphas = torch.stack(looks, 2)[order.argsort()]
        return Decoded(logits, torch.cat(targets), alphas, given)

    def start(self, annotations: Float[Tensor, "pictures positions features"], k: int) -> State:
        """Give the state before the first word, alike for all `k` captions of a picture."""
        mean = annotations.mean(1)
        hidden, cell = self.start_hidden(mean).tanh(), self.start_cell(mean).tanh()
        return State(*(x[:, None].expand(-1, k, -1) for x in (hidden, cell)))

    def step(
        self,
        words: Int[Tensor, "pictures k"],
        state: State,
        annotations: Float[Tensor, "pictures positions features"],
        keys: Float[Tensor, "pictures positions attention"],
    ) -> Step:
        """Look at the picture and take in the word before.

        Args:
            words: the words before, or the start.
            state: after them.
            annotations: of each picture.
            keys: `key(annotations)`, which no step changes.
        """
        pictures, k = words.shape
        query = self.query(state.hidden)[:, :, None]
        energies = self.energy(F.relu(keys[:, None] + query)).squeeze(
            -1
        )  # pictures x k x positions
        alphas = energies.softmax(-1)
        context = self.gate(state.hidden).sigmoid() * (alphas @ annotations)
        embedded = self.dropout(self.embed(words))
        inputs = torch.cat([embedded, context], -1).flatten(0, 1)
        before = (state.hidden.flatten(0, 1), state.cell.flatten(0, 1))
        hidden, cell = (x.view(pictures, k, -1) for x in self.cell(inputs, before))
        return Step(State(hidden, cell), alphas, embedded, context)

    def predict(
        self,
        embedded: Float[Tensor, "*many embedding"],
        hidden: Float[Tensor, "*many hidden"],
        context: Float[Tensor, "*many features"],
    ) -> Float[Tensor, "*many words"]:
        """Give the logits of the word that comes next."""
        mixed = embedded + self.from_hidden(hidden) + self.from_context(context)
        logits: Tensor = self.word(self.dropout(mixed))
        return logits


def _fill(alphas: Tensor, pictures: int) -> Tensor:
    """Add zeros for the pictures that dropped out."""
    return F.pad(alphas, (0, 0, 0, 0, 0, pictures - len(alphas)))
