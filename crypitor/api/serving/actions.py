"""What an operation is called in the audit: `monitor.create`, `endpoint.secret.read`. Pure."""

_SINGULAR = {"deliveries": "delivery"}
_VERBS = {"POST": "create", "PATCH": "change", "DELETE": "delete", "GET": "read"}
_OF_LISTS = {"POST": "add", "DELETE": "remove"}


def action_of(method: str, path: str) -> str:
    """Return the name of what a method does at a path, as `/v1/monitors/{id}/addresses`.

    The resource, then what follows its id; then the verb, unless a POST goes to one by its name, as
    `/v1/endpoints/{id}/rotate` does.
    """
    _, _, resource, *rest = path.split("/")
    name = _SINGULAR.get(resource) or resource.removesuffix("s")
    below = [part for part in rest if not part.startswith("{")]
    if below == ["addresses"]:
        return f"{name}.addresses.{_OF_LISTS.get(method, 'read')}"
    if below and method == "POST":
        return ".".join([name, *below])
    return ".".join([name, *below, _VERBS[method]])
