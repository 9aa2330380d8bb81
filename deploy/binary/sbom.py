"""Writes what a folder is made of, as CycloneDX: `python sbom.py SOURCES VERSION FILE`.

SOURCES: the list of files that the spec has written. Run in the environment they were taken from. A
component is a distribution of Python, Python itself, or a package of the system that a shared
library came with; so nothing stands here of which nothing is in the folder.
"""

import json
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

PRODUCT = "crypitor"


def of_python() -> Component:
    """Return the interpreter and its standard library."""
    version = platform.python_version()
    return Component(
        name="python",
        version=version,
        type=ComponentType.PLATFORM,
        bom_ref=f"python@{version}",
        cpe=f"cpe:2.3:a:python:python:{version}:*:*:*:*:*:*:*",
    )


def of_distribution(found: Distribution) -> Component:
    """Return a package of PyPI."""
    name = re.sub(r"[-_.]+", "-", found.metadata["Name"]).lower()
    purl = PackageURL("pypi", name=name, version=found.version)
    return Component(
        name=name,
        version=found.version,
        type=ComponentType.LIBRARY,
        purl=purl,
        bom_ref=str(purl),
        description=found.metadata.get("Summary"),
    )


def of_system(library: Path) -> Component:
    """Return the package of the system that a shared library is from; else the library alone."""
    query = shutil.which("dpkg-query")
    if query is None:
        return Component(name=library.name, type=ComponentType.LIBRARY, bom_ref=library.name)
    # The same file is known by the name below /usr, or by the one without, in a merged system.
    for path in (library, Path("/", *library.parts[2:]), library.resolve()):
        found = subprocess.run([query, "-S", path], capture_output=True, text=True)  # noqa: PLW1510
        if found.returncode == 0:
            package = found.stdout.partition(": ")[0]
            break
    else:
        return Component(name=library.name, type=ComponentType.LIBRARY, bom_ref=library.name)
    form = "${source:Package}\t${Version}\t${Architecture}"
    told = subprocess.run(
        [query, "-W", "-f", form, package], capture_output=True, text=True, check=True
    )
    source, version, architecture = told.stdout.split("\t")
    name = package.partition(":")[0]
    qualifiers = {"arch": architecture, "upstream": source}
    purl = PackageURL("deb", "debian", name, version, qualifiers)
    return Component(
        name=name, version=version, type=ComponentType.LIBRARY, purl=purl, bom_ref=str(purl)
    )


def components(sources: list[Path]) -> Iterator[Component]:
    """Yield a component for each file; many are the same."""
    owners = {
        Path(str(found.locate_file(file))).resolve(): found
        for found in distributions()
        for file in found.files or ()
    }
    base = Path(sysconfig.get_config_var("installed_base") or sys.base_prefix).resolve()
    packages = Path(sysconfig.get_paths()["purelib"]).resolve()
    for source in sources:
        path = source.resolve()
        if path in owners:
            yield of_distribution(owners[path])
        elif path.is_relative_to(packages):
            folder = next(iter(path.relative_to(packages).parts))
            yield of_distribution(distribution_at(packages / folder))
        elif "python3" in path.as_posix() or (path.is_relative_to(base) and base != Path("/usr")):
            yield of_python()
        elif ".so" in path.name:
            yield of_system(source)


def distribution_at(folder: Path) -> Distribution:
    """Return the distribution of a .dist-info, or of the package of that name."""
    for found in distributions():
        if any(folder in Path(str(found.locate_file(file))).parents for file in found.files or ()):
            return found
    raise LookupError(f"{folder} belongs to no distribution")


def main(sources: Path, version: str, file: Path) -> None:
    """Write the document; the same sources give the same one."""
    paths = [Path(path) for path in json.loads(sources.read_text(encoding="utf-8"))]
    found = {str(one.bom_ref): one for one in components(paths)}
    purl = PackageURL("pypi", name=PRODUCT, version=version)
    found.pop(str(purl), None)
    product = Component(
        name=PRODUCT, version=version, type=ComponentType.APPLICATION, purl=purl, bom_ref=str(purl)
    )
    bom = Bom(components=found.values())
    bom.metadata.component = product
    bom.register_dependency(product, found.values())
    document = json.loads(JsonV1Dot6(bom).output_as_string())
    del document["metadata"]["timestamp"]
    parts = json.dumps(sorted(found), sort_keys=True)
    document["serialNumber"] = uuid5(NAMESPACE_URL, f"{purl} {parts}").urn
    file.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
