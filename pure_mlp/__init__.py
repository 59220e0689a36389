"""Neural networks in which every derivative is a hand-written pure function: values instead of hooks, folds instead of a tape."""

from importlib import metadata as _metadata

from pure_mlp import _starting as _starting  # isort: skip  # before anything that takes long to import
from pure_mlp._compile.graph import Unplannable as Unplannable
from pure_mlp._compile.plan import Plan as Plan
from pure_mlp._compile.program import Engine as Engine
from pure_mlp._compile.slices import Slices as Slices
from pure_mlp.check.laws import laws as laws
from pure_mlp.check.report import Report as Report
from pure_mlp.combinators.dense import dense as dense
from pure_mlp.combinators.embed_columns import embed_columns as embed_columns
from pure_mlp.combinators.embed_columns import embed_columns_init as embed_columns_init
from pure_mlp.combinators.ensemble import ensemble as ensemble
from pure_mlp.combinators.fan_sum import fan_sum as fan_sum
from pure_mlp.combinators.merge import merge as merge
from pure_mlp.combinators.parallel import parallel as parallel
from pure_mlp.combinators.remat import remat as remat
from pure_mlp.combinators.residual import residual as residual
from pure_mlp.combinators.scored import scored as scored
from pure_mlp.combinators.serial import serial as serial
from pure_mlp.combinators.serial import unit as unit
from pure_mlp.combinators.tag import tag as tag
from pure_mlp.distributed.mesh import Mesh as Mesh
from pure_mlp.evaluate import evaluated as evaluated
from pure_mlp.initialize import init as init
from pure_mlp.interop.arrays import on_arrays as on_arrays
from pure_mlp.interop.net_module import NetModule as NetModule
from pure_mlp.interop.onnx_file import to_onnx as to_onnx
from pure_mlp.interop.torch_nn import from_torch as from_torch
from pure_mlp.interop.torch_nn import to_torch as to_torch
from pure_mlp.layer import Activation as Activation
from pure_mlp.layer import Layer as Layer
from pure_mlp.layer import Rule as Rule
from pure_mlp.layer import layer_name as layer_name
from pure_mlp.layer import outline as outline
from pure_mlp.layer import over as over
from pure_mlp.layers.attention import attention as attention
from pure_mlp.layers.batch_norm import BatchNorm as BatchNorm
from pure_mlp.layers.batch_norm import batch_norm as batch_norm
from pure_mlp.layers.dropout import dropout as dropout
from pure_mlp.layers.dropout import seeded as seeded
from pure_mlp.layers.elu import elu as elu
from pure_mlp.layers.embedding import Embedding as Embedding
from pure_mlp.layers.embedding import embedding as embedding
from pure_mlp.layers.embedding import embedding_init as embedding_init
from pure_mlp.layers.gelu import gelu as gelu
from pure_mlp.layers.gelu import gelu_tanh as gelu_tanh
from pure_mlp.layers.glu import glu as glu
from pure_mlp.layers.identity import identity as identity
from pure_mlp.layers.inits import Init as Init
from pure_mlp.layers.inits import kaiming_normal as kaiming_normal
from pure_mlp.layers.inits import kaiming_uniform as kaiming_uniform
from pure_mlp.layers.inits import linear_init as linear_init
from pure_mlp.layers.inits import orthogonal as orthogonal
from pure_mlp.layers.inits import standard_normal as standard_normal
from pure_mlp.layers.inits import xavier_normal as xavier_normal
from pure_mlp.layers.inits import xavier_uniform as xavier_uniform
from pure_mlp.layers.inits import zeros as zeros
from pure_mlp.layers.layer_norm import LayerNorm as LayerNorm
from pure_mlp.layers.layer_norm import layer_norm as layer_norm
from pure_mlp.layers.leaky_relu import leaky_relu as leaky_relu
from pure_mlp.layers.linear import Linear as Linear
from pure_mlp.layers.linear import linear as linear
from pure_mlp.layers.linear import linear_bottom as linear_bottom
from pure_mlp.layers.relu import relu as relu
from pure_mlp.layers.rms_norm import RMSNorm as RMSNorm
from pure_mlp.layers.rms_norm import rms_norm as rms_norm
from pure_mlp.layers.running import Statistics as Statistics
from pure_mlp.layers.running import batch_norm_by as batch_norm_by
from pure_mlp.layers.running import initial_statistics as initial_statistics
from pure_mlp.layers.running import running_statistics as running_statistics
from pure_mlp.layers.sigmoid import sigmoid as sigmoid
from pure_mlp.layers.silu import silu as silu
from pure_mlp.layers.softmax import softmax as softmax
from pure_mlp.layers.softplus import softplus as softplus
from pure_mlp.layers.tanh import tanh as tanh
from pure_mlp.losses.bce import bce as bce
from pure_mlp.losses.bce_with_logits import bce_with_logits as bce_with_logits
from pure_mlp.losses.cross_entropy import cross_entropy as cross_entropy
from pure_mlp.losses.curvature import curvature as curvature
from pure_mlp.losses.curvature import curved as curved
from pure_mlp.losses.huber import huber as huber
from pure_mlp.losses.mass import mass as mass
from pure_mlp.losses.mass import weighed as weighed
from pure_mlp.losses.mse import mse as mse
from pure_mlp.losses.mse import squared_norm as squared_norm
from pure_mlp.losses.reduction import Reduction as Reduction
from pure_mlp.optim.adam import adam as adam
from pure_mlp.optim.adam import adamw as adamw
from pure_mlp.optim.batch_rule import rate_for_batch as rate_for_batch
from pure_mlp.optim.clip import clip_by_global_norm as clip_by_global_norm
from pure_mlp.optim.clip import clip_by_value as clip_by_value
from pure_mlp.optim.lion import lion as lion
from pure_mlp.optim.optimizer import Optimizer as Optimizer
from pure_mlp.optim.optimizer import Schedule as Schedule
from pure_mlp.optim.optimizer import State as State
from pure_mlp.optim.optimizer import chain as chain
from pure_mlp.optim.rmsprop import rmsprop as rmsprop
from pure_mlp.optim.schedules import constant as constant
from pure_mlp.optim.schedules import cosine as cosine
from pure_mlp.optim.schedules import step_decay as step_decay
from pure_mlp.optim.schedules import warmup as warmup
from pure_mlp.optim.sgd import sgd as sgd
from pure_mlp.perceptron import MLP as MLP
from pure_mlp.perceptron import mlp as mlp
from pure_mlp.quantities.accountant import epsilon_spent as epsilon_spent
from pure_mlp.quantities.angles import angles as angles
from pure_mlp.quantities.credit import direct_feedback_alignment as direct_feedback_alignment
from pure_mlp.quantities.credit import feedback_alignment as feedback_alignment
from pure_mlp.quantities.credit import kolen_pollack as kolen_pollack
from pure_mlp.quantities.credit import sign_symmetric as sign_symmetric
from pure_mlp.quantities.credit import straight_through as straight_through
from pure_mlp.quantities.density import spectral_density as spectral_density
from pure_mlp.quantities.dots import example_dots as example_dots
from pure_mlp.quantities.ekfac import Eigenbasis as Eigenbasis
from pure_mlp.quantities.ekfac import ekfac as ekfac
from pure_mlp.quantities.ekfac import natural_gradient as natural_gradient
from pure_mlp.quantities.examples import example_grads as example_grads
from pure_mlp.quantities.examples import example_norms as example_norms
from pure_mlp.quantities.explain import guided_backpropagation as guided_backpropagation
from pure_mlp.quantities.explain import relevance_propagation as relevance_propagation
from pure_mlp.quantities.ggn import ggn_product as ggn_product
from pure_mlp.quantities.ggn_diagonal import ggn_diagonal as ggn_diagonal
from pure_mlp.quantities.gramian import gramian as gramian
from pure_mlp.quantities.gramian import ntk as ntk
from pure_mlp.quantities.hvp import hvp as hvp
from pure_mlp.quantities.hvp import hvp_at as hvp_at
from pure_mlp.quantities.jacobian import jacobian as jacobian
from pure_mlp.quantities.jvp import jvp as jvp
from pure_mlp.quantities.kfac import Kronecker as Kronecker
from pure_mlp.quantities.kfac import kfac as kfac
from pure_mlp.quantities.lanczos import top_eigenvalues as top_eigenvalues
from pure_mlp.quantities.memory import cache_nbytes as cache_nbytes
from pure_mlp.quantities.poisson import poisson_batches as poisson_batches
from pure_mlp.quantities.private import clipped_grads as clipped_grads
from pure_mlp.quantities.private import private_grads as private_grads
from pure_mlp.quantities.recorded import Recorded as Recorded
from pure_mlp.quantities.recorded import recorded as recorded
from pure_mlp.quantities.remat_within import remat_within as remat_within
from pure_mlp.quantities.variance import gradient_variance as gradient_variance
from pure_mlp.quantities.variance import noise_scale as noise_scale
from pure_mlp.record import record as record
from pure_mlp.registry.layer_row import LayerRow as LayerRow
from pure_mlp.registry.loss_row import LossRow as LossRow
from pure_mlp.registry.register import register as register
from pure_mlp.registry.rows import InitRow as InitRow
from pure_mlp.registry.rows import OptimizerRow as OptimizerRow
from pure_mlp.registry.rows import ScheduleRow as ScheduleRow
from pure_mlp.saving.checkpoint import Checkpoint as Checkpoint
from pure_mlp.saving.checkpoint import load as load
from pure_mlp.saving.checkpoint import save as save
from pure_mlp.shapes import check_cotangent as check_cotangent
from pure_mlp.shapes import check_tangent as check_tangent
from pure_mlp.signatures import Batch as Batch
from pure_mlp.signatures import Loss as Loss
from pure_mlp.signatures import Step as Step
from pure_mlp.sized import Sized as Sized
from pure_mlp.sized import Space as Space
from pure_mlp.sized import affine as affine
from pure_mlp.sized import sized as sized
from pure_mlp.summarize import summary as summary
from pure_mlp.table.survey import read_table as read_table
from pure_mlp.table.table import Table as Table
from pure_mlp.train.batches import batches as batches
from pure_mlp.train.fit import Epoch as Epoch
from pure_mlp.train.fit import fit as fit
from pure_mlp.train.fold import fold as fold
from pure_mlp.train.step import training_step as training_step
from pure_mlp.train.step import value_and_grad as value_and_grad
from pure_mlp.trees import tree_items as tree_items
from pure_mlp.trees import tree_leaves as tree_leaves
from pure_mlp.trees import tree_like as tree_like
from pure_mlp.trees import tree_map as tree_map
from pure_mlp.trees import tree_zeros as tree_zeros

try:
    __version__ = _metadata.version("pure-mlp")
except _metadata.PackageNotFoundError:  # run from its sources, not installed
    __version__ = "0"

__all__ = [
    "MLP",
    "Activation",
    "Batch",
    "BatchNorm",
    "Checkpoint",
    "Eigenbasis",
    "Embedding",
    "Engine",
    "Epoch",
    "Init",
    "InitRow",
    "Kronecker",
    "Layer",
    "LayerNorm",
    "LayerRow",
    "Linear",
    "Loss",
    "LossRow",
    "Mesh",
    "NetModule",
    "Optimizer",
    "OptimizerRow",
    "Plan",
    "RMSNorm",
    "Recorded",
    "Reduction",
    "Report",
    "Rule",
    "Schedule",
    "ScheduleRow",
    "Sized",
    "Slices",
    "Space",
    "State",
    "Statistics",
    "Step",
    "Table",
    "Unplannable",
    "adam",
    "adamw",
    "affine",
    "angles",
    "attention",
    "batch_norm",
    "batch_norm_by",
    "batches",
    "bce",
    "bce_with_logits",
    "cache_nbytes",
    "chain",
    "check_cotangent",
    "check_tangent",
    "clip_by_global_norm",
    "clip_by_value",
    "clipped_grads",
    "constant",
    "cosine",
    "cross_entropy",
    "curvature",
    "curved",
    "dense",
    "direct_feedback_alignment",
    "dropout",
    "ekfac",
    "elu",
    "embed_columns",
    "embed_columns_init",
    "embedding",
    "embedding_init",
    "ensemble",
    "epsilon_spent",
    "evaluated",
    "example_dots",
    "example_grads",
    "example_norms",
    "fan_sum",
    "feedback_alignment",
    "fit",
    "fold",
    "from_torch",
    "gelu",
    "gelu_tanh",
    "ggn_diagonal",
    "ggn_product",
    "glu",
    "gradient_variance",
    "gramian",
    "guided_backpropagation",
    "huber",
    "hvp",
    "hvp_at",
    "identity",
    "init",
    "initial_statistics",
    "jacobian",
    "jvp",
    "kaiming_normal",
    "kaiming_uniform",
    "kfac",
    "kolen_pollack",
    "laws",
    "layer_name",
    "layer_norm",
    "leaky_relu",
    "linear",
    "linear_bottom",
    "linear_init",
    "lion",
    "load",
    "mass",
    "merge",
    "mlp",
    "mse",
    "natural_gradient",
    "noise_scale",
    "ntk",
    "on_arrays",
    "orthogonal",
    "outline",
    "over",
    "parallel",
    "poisson_batches",
    "private_grads",
    "rate_for_batch",
    "read_table",
    "record",
    "recorded",
    "register",
    "relevance_propagation",
    "relu",
    "remat",
    "remat_within",
    "residual",
    "rms_norm",
    "rmsprop",
    "running_statistics",
    "save",
    "scored",
    "seeded",
    "serial",
    "sgd",
    "sigmoid",
    "sign_symmetric",
    "silu",
    "sized",
    "softmax",
    "softplus",
    "spectral_density",
    "squared_norm",
    "standard_normal",
    "step_decay",
    "straight_through",
    "summary",
    "tag",
    "tanh",
    "to_onnx",
    "to_torch",
    "top_eigenvalues",
    "training_step",
    "tree_items",
    "tree_leaves",
    "tree_like",
    "tree_map",
    "tree_zeros",
    "unit",
    "value_and_grad",
    "warmup",
    "weighed",
    "xavier_normal",
    "xavier_uniform",
    "zeros",
]
