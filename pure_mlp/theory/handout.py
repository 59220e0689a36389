"""The whole answer to part 1 of the homework: 1.1 to 1.4 in one document."""

from __future__ import annotations

from pure_mlp.theory.batches import batches
from pure_mlp.theory.changes import changes
from pure_mlp.theory.derivation import derivation, of_output
from pure_mlp.theory.document import Document, Heading, Label, Note, Paragraph
from pure_mlp.theory.five_steps import five_steps
from pure_mlp.theory.forward_table import BCE_NOTE, forward_table
from pure_mlp.theory.gradient_table import gradient_table, numbers
from pure_mlp.theory.jacobians import NOTES, bce_note, jacobians, of_function, of_loss
from pure_mlp.theory.net import net
from pure_mlp.theory.problem import Problem, problem
from pure_mlp.theory.theory import concepts
from pure_mlp.theory.vanishing import vanishing

CASES = {
    "1.2": ("relu", "identity", "squared_norm"),
    "1.3(a)": ("sigmoid", "sigmoid", "squared_norm"),
    "1.3(b)": ("sigmoid", "sigmoid", "bce"),
    "1.3(c)": ("relu", "sigmoid", "bce"),
}
"""The handout's nets: f, g and the loss."""
LABELS = (
    Note(Label.MISTAKE, "The handout says something that does not hold; what holds follows."),
    Note(Label.REMARK, "The handout is right, and there is more to say, or a choice to know of."),
    Note(Label.FLOATING_POINT, "The mathematics is right, and a computer's numbers need care."),
)


def handout(seed: int) -> Document:
    """Part 1 of the homework, every formula computed and compared with the library while the document is made.

    Args:
        seed: of the numbers drawn and of the measurements.

    Raises `ArithmeticError` where a printed formula and the library differ by more than rounding.

    >>> handout(0)[0].text
    'Backpropagation: part 1 of the homework'
    """
    cases = {name: problem(*parts, seed) for name, parts in CASES.items()}
    regression = cases["1.2"]
    return (
        Heading(1, "Backpropagation: part 1 of the homework"),
        Paragraph(
            f"The answers to 1.2, 1.3 and 1.4 of the handout, with numbers drawn by seed {seed}. The document is "
            "computed: every displayed "
            "equation is read back from what is printed here, and each of its sides is compared with what the "
            "library computes, while the "
            "document is made. Notes have three labels."
        ),
        *LABELS,
        *net(regression),
        Heading(2, "1.2 Regression: ReLU, identity, squared error"),
        *_part(five_steps()),
        *_part(forward_table(regression, "1.2(b) Forward pass")),
        *_part(gradient_table(regression, "1.2(c) Backward pass")),
        *derivation(regression, 4),
        *numbers(regression),
        *_part(jacobians(regression, "1.2(d) The elements of the Jacobians")),
        *_classification("1.3(a) Sigmoids with the squared error", cases["1.3(a)"]),
        *_classification("1.3(b) Sigmoids with binary cross-entropy", cases["1.3(b)"]),
        *changes(cases),
        *vanishing(seed),
        *batches(regression),
        *concepts(seed),
    )


def _part(document: Document) -> Document:
    """The same one level down."""
    return tuple(Heading(block.level + 1, block.text) if isinstance(block, Heading) else block for block in document)


def _classification(title: str, p: Problem) -> Document:
    bce = p.loss == "bce"
    if bce:
        notes: Document = (Note(Label.MISTAKE, BCE_NOTE), *bce_note())
        what = (
            r"Against 1.3(a) only the loss changes, and with it the last row of (b) and $\frac{\partial "
            r"\ell}{\partial \hat{\mathbf{y}}}$ in "
            r"(d). The Jacobians of $f$ and $g$ are those of (20) and (21), numbered again:"
        )
    else:
        what = (
            r"Against 1.2 both activations change: $f$ and $g$ in the table of (b), $\frac{\partial "
            r"\mathbf{z}_2}{\partial \mathbf{z}_1}$ and "
            r"$\frac{\partial \hat{\mathbf{y}}}{\partial \mathbf{z}_3}$ in (d). The loss and its derivative (5) "
            r"stay, and so does the table of "
            r"(c), which is written in these derivatives."
        )
        notes = (
            Note(
                Label.MISTAKE,
                r"The handout calls the task multi-class. $K$ sigmoids, each for itself, are multi-label "
                r"classification, $K$ yes-or-no "
                r"questions; one class out of $K$ takes softmax and cross-entropy.",
            ),
        )
    return (
        Heading(2, title),
        Paragraph(what),
        *of_function(p, "f"),
        *(NOTES["f", "sigmoid"] if not bce else ()),
        *of_function(p, "g"),
        *of_loss(p),
        Paragraph(r"so that the cotangent of $\mathbf{z}_3$ is"),
        *of_output(p),
        *notes,
    )
