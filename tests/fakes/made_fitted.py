"""What a file of fitted weights says of itself, for tests."""

from typing import Any

import msgspec

from kinobench.bench.records.fitted_weights import Fitted
from kinobench.bench.train import recipe


def made_fitted(model: str, dataset: str = "pointlight", **said: Any) -> Fitted:
    """Return a header, one epoch of the common recipe by seed 0, but for what is given."""
    common = recipe.load("common")
    usual: dict[str, Any] = {
        "split": "train",
        "manifest": "m",
        "classes": (),
        "protocol": "pointlight",
        "protocol_digest": "",
        "recipe": msgspec.to_builtins(common),
        "recipe_digest": common.digest,
        "seed": 0,
        "epochs": 1,
        "torch": "2",
        "kinobench_commit": None,
    }
    return Fitted(model=model, dataset=dataset, **(usual | said))
