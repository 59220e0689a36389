"""Handout 1.2(b) and 1.3: inputs and outputs of each layer for one example."""

from __future__ import annotations

from pure_mlp.theory.definitions import definitions
from pure_mlp.theory.document import Block, Document, Equation, Heading, Label, Note, Paragraph, Table
from pure_mlp.theory.formula_text import text_math
from pure_mlp.theory.indexing import Names
from pure_mlp.theory.names import SAMPLES, names
from pure_mlp.theory.notation import B2, ELL, LINEAR1, W2, Y_HAT, Z1, Z2, Z3, X, Y, matrix, number
from pure_mlp.theory.problem import HIDDEN, N_OUT, Problem
from pure_mlp.theory.statements import checked
from pure_mlp.theory.symbolic import Softmax

LONGEST = 48
MSE_NOTE = (
    r"In 1.2 MSE is the squared norm of one sample, a sum over $K$; in 1.3 BCE is a mean over $K$; the template takes the mean "
    r"over all $N K$ elements of a batch for both. They differ by a factor alone: `mean` $\frac{1}{N K}$, `batchmean` "
    r"$\frac{1}{N}$, `sum` $1$. The squared norm is `squared_norm` here."
)
BCE_NOTE = (
    r"The question 1.3(b) writes BCE as $-(\hat{y}_i \log(\hat{y}_i) + (1 - \hat{y}_i) \log(1 - \hat{y}_i))$, which "
    r"is the entropy "
    r"of the prediction and does not know the label. Right is "
    r"$-(y_i \log(\hat{y}_i) + (1 - y_i) \log(1 - \hat{y}_i))$, as in its own solution."
)


def forward_table(p: Problem, heading: str = "1.2(b), 1.3 Forward pass") -> Document:
    """The table and the equations of f, g and the loss; every formula in it is computed and compared with the library's `fwd`.

    >>> from pure_mlp.theory.problem import problem
    >>> [type(block).__name__ for block in forward_table(problem("relu", "identity", "mse", 0))][:2]
    ['Heading', 'Paragraph']
    """
    known = names(p)
    hidden = p.f_equations.of(LINEAR1)
    z3 = f"{W2} {hidden} + {B2}" if p.f_equations.call else f"{W2} ({hidden}) + {B2}"
    y_hat = p.g_equations.of(z3)
    whole = loss_of(p)
    written = whole.replace(Y_HAT, y_hat)
    rows = (
        (r"$\text{Linear}_1$", X, LINEAR1, Z1),
        (f"$f$ = `{p.f}`", LINEAR1, hidden, Z2),
        (r"$\text{Linear}_2$", hidden, z3, Z3),
        (f"$g$ = `{p.g}`", z3, y_hat, Y_HAT),
        (f"Loss = `{p.loss}`", y_hat, written if len(text_math(written)) <= LONGEST else whole, ELL),
    )
    for *_, output, name in rows:
        checked(f"{name} = {output}", {**known, **called(p, known)})
    table = tuple((layer, f"${a}$", f"${b}$", f"${name}$") for layer, a, b, name in rows)
    return (
        Heading(2, heading),
        Paragraph(f"One example goes through the layers in {len(rows)} rows, each the input of the next:"),
        Table(("Layer", "Input", "Output", "Name"), table),
        Paragraph("where the functions and the loss of one example are"),
        *functions(p, known),
        Paragraph("and the numbers are"),
        *values(p, known),
        *((Note(Label.REMARK, MSE_NOTE),) if p.loss in ("mse", "squared_norm") else ()),
        *((Note(Label.MISTAKE, BCE_NOTE),) if p.loss.startswith("bce") else ()),
    )


def loss_of(p: Problem) -> str:
    """The loss of one example in LaTeX, with its factor.

    >>> from pure_mlp.theory.problem import problem
    >>> loss_of(problem("relu", "identity", "bce_with_logits", 0)).split(" ")[0]
    '\\\\frac{1}{K}'
    """
    return p.loss_equations.sum(factor(p))


def factor(p: Problem) -> str:
    """What the reduction puts before the sum over the elements of one example.

    >>> from pure_mlp.theory.problem import problem
    >>> factor(problem("relu", "identity", "mse", 0))
    '\\\\frac{1}{K}'
    """
    return r"\frac{1}{K}" if p.mean else ""


def called(p: Problem, known: Names) -> dict[str, object]:
    """f and g under the names that the table calls them by."""
    pairs = ((p.f_equations, known["f"]), (p.g_equations, known["g"]))
    return {text_math(equations.call): function for equations, function in pairs if equations.call}


def functions(p: Problem, known: Names) -> tuple[Equation, ...]:
    """f, g and the loss in LaTeX, with what stands for p and sigma in them."""
    parts = []
    for letter, equations, size in (("f", p.f_equations, HIDDEN), ("g", p.g_equations, N_OUT)):
        if isinstance(equations, Softmax):
            vector = rf"\mathbf{{z}}_{'1' if letter == 'f' else '3'}"
            local = {**known, "z": known[text_math(vector)], "K": size}
            parts.append(checked(rf"{letter}(\mathbf{{z}})_k = {equations.value}", local, k=range(1, size + 1)))
        else:
            parts.append(checked(rf"{letter}(z) = {equations.value}{definitions(equations.value)}", known, z=SAMPLES))
    loss = loss_of(p)
    more = r", \quad \mathbf{p} = \operatorname{softmax}(\hat{\mathbf{y}})" if p.loss == "cross_entropy" else ""
    function = {text_math(ELL): lambda *_: known[text_math(ELL)]}
    return (*parts, checked(rf"\ell({Y_HAT}, {Y}) = {loss}{more}{definitions(loss)}", {**known, **function}, z=SAMPLES))


def values(p: Problem, known: Names) -> tuple[Block, ...]:
    """z1, z2, z3, y_hat, y and the loss in numbers."""
    vectors = {Z1: p.z1, Z2: p.z2, Z3: p.z3, Y_HAT: p.y_hat, Y: p.y}
    shown = [f"{name} = {matrix(vector.t())}" for name, vector in vectors.items()]
    lines = (shown[:3], [*shown[3:], f"{ELL} = {number(p.J.item())}"])
    return tuple(checked(r", \quad ".join(line), known) for line in lines)
