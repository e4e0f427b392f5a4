"""Shell completion: returns what begins with the typed text, without importing torch."""

from pathlib import Path


def _beginning(names: list[str], incomplete: str) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]


def models(incomplete: str) -> list[str]:
    """Return names of networks that come with kinobench."""
    from ...zoo import registry

    return _beginning(registry.listed(), incomplete)


def datasets(incomplete: str) -> list[str]:
    """Return names of datasets."""
    from ...datasets import catalog

    return _beginning(catalog.names(), incomplete)


def datasets_or_none(incomplete: str) -> list[str]:
    """Return names of datasets, and `none`."""
    return [*datasets(incomplete), *_beginning(["none"], incomplete)]


def protocols(incomplete: str) -> list[str]:
    """Return names of clip protocols, and `native`."""
    from ...datasets.protocol.presets import ALIASES, COMMON, ORIGINS

    return _beginning(sorted({*ALIASES, *COMMON, *ORIGINS, "native"}), incomplete)


def scoring_rules(incomplete: str) -> list[str]:
    """Return the rules of localization and detection."""
    from ..scoring.kinds import rule_names

    return _beginning(rule_names(), incomplete)


def codecs(incomplete: str) -> list[str]:
    """Return the codecs of copies."""
    from ...datasets.made.form import ENCODERS

    return _beginning(list(ENCODERS), incomplete)


def kinds_of_files(incomplete: str) -> list[str]:
    """Return the kinds of findings that say which files to remove."""
    kinds = ("leak", "empty", "unreadable", "short", "trimmed-elsewhere", "duplicate")
    return _beginning(list(kinds), incomplete)


def suites(incomplete: str) -> list[str]:
    """Return names of built-in suites, and the TOML files and folders that begin so."""
    from ..run import suite

    return _beginning(suite.names(), incomplete) + files(incomplete, ".toml")


def files(incomplete: str, suffix: str) -> list[str]:
    """Return the folders and the files of a suffix whose paths begin with what was typed."""
    folder, slash, name = incomplete.rpartition("/")
    try:
        found = sorted(Path(folder + slash or ".").iterdir())
    except OSError:
        return []
    return [
        f"{folder}{slash}{path.name}{'/' if path.is_dir() else ''}"
        for path in found
        if path.name.startswith(name)
        and (path.is_dir() or path.suffix == suffix)
        and path.name.isprintable()
        and (name or not path.name.startswith("."))
    ]


def figures(incomplete: str) -> list[str]:
    """Return the figures of `plot`."""
    from ..figures.kinds import KINDS

    return _beginning(list(KINDS), incomplete)


def styles(incomplete: str) -> list[str]:
    """Return the styles of figures."""
    from ..figures.style import STYLES

    return _beginning(list(STYLES), incomplete)


def measurements(incomplete: str) -> list[str]:
    """Return measurements; after a comma, the last one is completed."""
    from ..measure import registry

    before, comma, last = incomplete.rpartition(",")
    return [f"{before}{comma}{name}" for name in _beginning(registry.names(), last)]


def recipes(incomplete: str) -> list[str]:
    """Return names of recipes, and the TOML files and folders that begin so."""
    from ..train import recipe

    return _beginning(recipe.names(), incomplete) + files(incomplete, ".toml")


def devices(incomplete: str) -> list[str]:
    """Return devices."""
    return _choices("device", incomplete)


def precisions(incomplete: str) -> list[str]:
    """Return precisions."""
    return _choices("precision", incomplete)


def runtimes(incomplete: str) -> list[str]:
    """Return runtimes, and `all`; after a comma, the last one is completed."""
    before, comma, last = incomplete.rpartition(",")
    return [f"{before}{comma}{name}" for name in _choices("runtime", last)]


def one_runtime(incomplete: str) -> list[str]:
    """Return runtimes."""
    from ..network.runtimes.known import KNOWN

    return _beginning(list(KNOWN), incomplete)


def providers(incomplete: str) -> list[str]:
    """Return providers of runtimes."""
    return _choices("provider", incomplete)


def hints(incomplete: str) -> list[str]:
    """Return hints of OpenVINO."""
    return _choices("hint", incomplete)


def tasks(incomplete: str) -> list[str]:
    """Return tasks."""
    return _choices("task", incomplete)


def modes(incomplete: str) -> list[str]:
    """Return modes."""
    return _choices("mode", incomplete)


def flow_methods(incomplete: str) -> list[str]:
    """Return methods of optical flow."""
    return _choices("flow", incomplete)


def decoders(incomplete: str) -> list[str]:
    """Return decoders."""
    return _choices("decoder", incomplete)


def probes(incomplete: str) -> list[str]:
    """Return probes."""
    return _choices("probe", incomplete)


def _choices(field: str, incomplete: str) -> list[str]:
    from ..run.settings import CHOICES

    return _beginning(list(CHOICES[field]), incomplete)
