"""SSGRL: semantic decoupling by low-rank bilinear attention, then a gated graph network.

Chen, Xu, Hui, Wu, Lin: Learning Semantic-Specific Graph Representation for Multi-Label Image
Recognition, ICCV 2019. Shapes in comments: B pictures, C classes, D features, H hidden,
P positions.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from zokusei.errors import ConfigError
from zokusei.label_graph import compute_conditional
from zokusei.labels import LabelSpace
from zokusei.models.layers import ClassWiseLinear
from zokusei.models.registry import Head, register_model

# Classes whose attention is computed at once. While tagging, memory grows with these alone; while
# learning each block is kept for its gradient, (B, C, P, H) in all.
_CLASSES_AT_ONCE = 64


@register_model("ssgrl")
class SSGRL(Head):
    r"""A feature vector a class, exchanged along a graph of co-occurrence for three steps.

    With features f_p, label embeddings x_c and the conditional probabilities A of the training
    split, A[c, k] = P(k | c), which stay as they are:

    .. math::
        \tilde f_{c,p} &= U_3 \tanh\big((U_1 f_p) \odot (U_2 x_c)\big) + b, \quad
            a_{c,\cdot} = \operatorname{softmax}_p(w \cdot \tilde f_{c,p}), \quad
            f_c = \sum_p a_{c,p} f_p \\
        m &= [A h;\, A^\top h], \quad h^0 = f \\
        z &= \sigma(W_z m + U_z h), \quad r = \sigma(W_r m + U_r h) \\
        h &\leftarrow (1 - z) \odot h + z \odot \tanh(W_h m + U_h (r \odot h)) \\
        s_c &= w_c \cdot \tanh(W_o [h_c;\, f_c]) + b_c

    Read from the released code. Where paper, code and this differ:

    - The code computes the reset gate with the update gate's U and leaves its own untrained:
      `legacy_gate`; without it the gate is the paper's.
    - w and U_3 are applied one after the other, with nothing between them. Their product is a
      vector, and with it the vectors of width H need not be made for every class at every position:
      the same scores with far fewer multiplications.
    - The first step's layers are applied to f_c, a mixture of positions, of which there are often
      fewer than classes: then they are applied to the positions, and the results mixed. The same
      numbers again; where classes are fewer, the layers are applied to them.
    - b and the bias of w raise a class's score alike at every position, and the softmax takes that
      out again: 1,025 numbers of the code that nothing depends on are left out.
    - The code averages windows of 2 x 2 positions first and leaves the last row and column of an
      odd map out; here they are averaged alone. `pool` turns it off, for small maps.
    - A is the plain conditional probability, and with many classes its rows add up to much; the
      code has a normalised variant for Visual Genome. `normalize` divides each row by its sum,
      our reading of it. So is the diagonal of 0: a class sends itself nothing along the graph.
    - The code trains only the last stage of the backbone, the batch norms before it frozen, with
      Adam, a rate of 1e-5 and no decay, on batches of 4 for 200 epochs; it cuts its crops from
      pictures of 640 pixels and mirrors none. Here all of that is set as for any model.
    - Its AP is interpolated, and so a little higher than the one that is reported here.

    Formulas are those of the code, and have no numbers of the paper's equations.

    Args:
        num_features: channels of the feature map, D.
        labels: the classes, with embeddings.
        hidden: H.
        state: width of what the classes exchange, to which f_c is then projected. Published is the
            width of the features themselves, which takes up to 29 C D^2 multiplications a picture.
        steps: of the graph network.
        legacy_gate: the reset gate of the released code.
        pool: average 2 x 2 positions first, as published.
        normalize: rows of the graph add up to 1.
    """

    needs_embeddings = True
    label_embeddings: Tensor
    adjacency: Tensor

    def __init__(
        self,
        num_features: int,
        labels: LabelSpace,
        *,
        hidden: int = 1024,
        state: int | None = None,
        steps: int = 3,
        legacy_gate: bool = False,
        pool: bool = True,
        normalize: bool = False,
    ) -> None:
        super().__init__()
        if steps < 1:
            raise ConfigError(f"the graph network of ssgrl takes a step at least, not {steps}")
        if state is not None and state < 1:
            raise ConfigError(f"state is the width of ssgrl's nodes, 1 at least, not {state}")
        self.steps, self.legacy_gate, self.pool = steps, legacy_gate, pool
        assert labels.embeddings is not None, "create_model sees to it"
        self.register_buffer("label_embeddings", labels.embeddings)
        adjacency = compute_conditional(labels.cooccurrence, labels.judged)
        if normalize:
            adjacency = adjacency / adjacency.sum(1, keepdim=True).clamp(min=1e-12)
        # The label statistics of a checkpoint give it again.
        self.register_buffer("adjacency", adjacency.float(), persistent=False)
        self.from_features = nn.Linear(num_features, hidden, bias=False)
        self.from_embeddings = nn.Linear(labels.embeddings.shape[1], hidden, bias=False)
        self.mix = nn.Linear(hidden, hidden, bias=False)
        self.score = nn.Linear(hidden, 1, bias=False)
        width = num_features if state is None else state
        self.to_state = nn.Identity() if state is None else nn.Linear(num_features, width)
        # Update gate, reset gate and candidate side by side: one product instead of three.
        self.gates_of_messages = nn.Linear(2 * width, 3 * width)
        self.gates_of_state = nn.Linear(width, width if legacy_gate else 2 * width)
        self.candidate_of_state = nn.Linear(width, width)
        self.output = nn.Linear(2 * width, width)
        self.classifier = ClassWiseLinear(width, labels.num_classes)

    def explain(self, features: Float[Tensor, "batch channels rows columns"]) -> dict[str, Tensor]:
        """Give the logits with where each class looked.

        Returns:
            `logits`, `attention` (B, C, rows, columns after pooling; adds up to 1), the same spread
            over the positions of the map as `activation_maps`, and `adjacency` (C, C).
        """
        size = features.shape[2:]
        if self.pool:
            features = F.avg_pool2d(features, 2, ceil_mode=True)
        points = features.flatten(2).mT  # (B, P, D)
        attention = self.attend(points)  # (B, C, P)
        if attention.shape[2] < attention.shape[1]:
            mix, rows = attention, self.to_state(points)  # its bias stays: attention adds up to 1
        else:
            classes = attention.shape[1]
            mix = torch.eye(classes, dtype=points.dtype, device=points.device)
            rows = self.to_state(attention @ points)
        of_state, of_features = self.output.weight.chunk(2, 1)
        joined = F.linear(self.propagate(mix, rows), of_state, self.output.bias)
        joined = (joined + mix @ F.linear(rows, of_features)).tanh()
        attention = attention.reshape(*attention.shape[:2], *features.shape[2:])
        return {
            "logits": self.classifier(joined),
            "attention": attention,
            "activation_maps": F.interpolate(attention, size=size, mode="nearest"),
            "adjacency": self.adjacency,
        }

    def attend(
        self, points: Float[Tensor, "batch positions channels"]
    ) -> Float[Tensor, "batch classes positions"]:
        """Weigh the positions for every class."""
        seen = self.from_features(points)[:, None]  # (B, 1, P, H)
        asked = self.from_embeddings(self.label_embeddings)[:, None]  # (C, 1, H)
        weight = self.score.weight[0] @ self.mix.weight  # (H)
        scores = [(seen * part).tanh() @ weight for part in asked.split(_CLASSES_AT_ONCE)]
        return torch.cat(scores, 1).softmax(2)

    def propagate(
        self,
        mix: Float[Tensor, "*batch classes rows"],
        rows: Float[Tensor, "batch rows channels"],
    ) -> Float[Tensor, "batch classes channels"]:
        """Let the classes exchange what they know, `steps` times.

        Args:
            mix: what of each row a class knows at first.
            rows: positions, or the classes themselves.
        """
        of_mine, of_theirs = self.gates_of_messages.weight.chunk(2, 1)
        messages = (self.adjacency @ mix) @ F.linear(rows, of_mine)
        messages = messages + (self.adjacency.T @ mix) @ F.linear(rows, of_theirs)
        messages = messages + self.gates_of_messages.bias
        own = mix @ F.linear(rows, self.gates_of_state.weight, self.gates_of_state.bias)
        state = mix @ rows
        for step in range(self.steps):
            if step:
                sent = torch.cat([self.adjacency @ state, self.adjacency.T @ state], 2)
                messages, own = self.gates_of_messages(sent), self.gates_of_state(state)
            update, reset, candidate = messages.chunk(3, 2)
            own_update, own_reset = (own, own) if self.legacy_gate else own.chunk(2, 2)
            update, reset = (update + own_update).sigmoid(), (reset + own_reset).sigmoid()
            candidate = (candidate + self.candidate_of_state(reset * state)).tanh()
            state = (1 - update) * state + update * candidate
        return state
