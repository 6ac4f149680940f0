"""The public names, and where each lives: one list, which type checkers and `deconvviz/__init__.py` read."""

from .api import activations as activations
from .api import attribute as attribute
from .api import audit as audit
from .api import audit_forecast as audit_forecast
from .api import invert as invert
from .api import invert_snapshots as invert_snapshots
from .api import load as load
from .api import model_input as model_input
from .api import predict as predict
from .api import prove_maps as prove_maps
from .api import randomize as randomize
from .api import reconstruct as reconstruct
from .api import reconstruct_many as reconstruct_many
from .api import reconstruct_rules as reconstruct_rules
from .api import visualize as visualize
from .api import visualize_layer as visualize_layer
from .api import visualize_layer_snapshots as visualize_layer_snapshots
from .api import visualize_snapshots as visualize_snapshots
from .errors import DeconvvizError as DeconvvizError
from .network import Network as Network
from .ops import ConvGeometry as ConvGeometry
from .ops import conv as conv
from .ops import conv_adjoint as conv_adjoint
from .ops import max_pool as max_pool
from .ops import max_unpool as max_unpool
from .ops.rectify import RULES as RULES
from .types import Attribution as Attribution
from .types import Check as Check
from .types import InputSpec as InputSpec
from .types import Inversion as Inversion
from .types import Layer as Layer
from .types import LayerVisualization as LayerVisualization
from .types import Reconstruction as Reconstruction
from .types import Unit as Unit
from .types import Visualization as Visualization

__all__: list[str]
