"""What a body asks for: where it leads, and what its types alone do not say."""

from collections.abc import Callable, Sequence

from yarl import URL

from crypitor.api.endpoints.body import EndpointBody
from crypitor.api.endpoints.rule import (
    check_operator,
    check_quiet,
    check_rules,
    silence_of,
    success_of,
    tls_of,
)
from crypitor.api.serving.call import Call
from crypitor.api.serving.reading import summary
from crypitor.errors import Invalid, Mistake
from crypitor.webhook.apprise import check_service
from crypitor.webhook.crypitor import FORMAT
from crypitor.webhook.egress import check_headers, check_url
from crypitor.webhook.formats import Form, check_form
from crypitor.webhook.mail import EMAIL, check_mail_url, http_url
from crypitor.webhook.own_receiver import OWN_RECEIVER, TAKEN, is_own_receiver
from crypitor.webhook.silence import check_silences
from crypitor.webhook.template import Template
from crypitor.webhook.topic import check_topic, topic_of
from crypitor.webhook.wire import APPRISE


def checked(call: Call, body: EndpointBody, pointer: str = "") -> str:
    """Return the URL as it will be called. Raises Invalid with pointers."""
    mistakes: list[Mistake] = []
    url = body.url
    try:
        url = _called(call, body)
    except Invalid as error:
        mistakes.append(Mistake(f"{pointer}/url", error.detail))
    if url == OWN_RECEIVER and body.format not in TAKEN:
        wrong = f"the test receiver takes {' and '.join(TAKEN)}; this format is another service's"
        mistakes.append(Mistake(f"{pointer}/format", wrong))
    if body.format == FORMAT and body.signature != "v1":
        mistakes.append(Mistake(f"{pointer}/signature", f"the format {FORMAT} is signed by v1"))
    if body.digest is not None and (body.format != EMAIL or body.ordered):
        wrong = "only letters hold more than one message, and not where each waits for the last"
        mistakes.append(Mistake(f"{pointer}/digest", wrong))
    mistakes += [Mistake(pointer + wrong.pointer, wrong.detail) for wrong in check_quiet(body)]
    for check in (
        lambda: check_headers(body.headers),
        lambda: check_service(body.headers) if body.format == APPRISE else None,
        lambda: check_silences(silence_of(body.silence)),
        lambda: check_rules(success_of(body.success), tls_of(body.tls)),
        lambda: check_form(Form(body.format, template_of(body), body.checksum), url, body.headers),
    ):
        mistakes += [Mistake(pointer + wrong.pointer, wrong.detail) for wrong in _found(check)]
    if mistakes:
        raise Invalid(summary(mistakes), mistakes)
    return url


def _called(call: Call, body: EndpointBody) -> str:
    """Return the URL as it will be called. Raises Invalid for where nothing may go."""
    topic, context = topic_of(body.url), call.context
    if topic is not None:
        return check_topic(topic, context.kafka_topics)
    if body.format == APPRISE:
        check_operator(call.who)
        return body.url
    if body.format == EMAIL:
        url = check_mail_url(body.url, context.allow_private)
        context.closed.check_url(URL(http_url(url)))
        return url
    if is_own_receiver(body.url):
        return OWN_RECEIVER
    url = check_url(body.url, context.allow_private)
    context.closed.check_url(URL(url))
    context.closed.check_port(URL(url))
    return url


def _found(check: Callable[[], None]) -> Sequence[Mistake]:
    try:
        check()
    except Invalid as error:
        return error.mistakes or [Mistake("/headers", error.detail)]
    return ()


def template_of(body: EndpointBody) -> Template | None:
    """Return the template of a body, None for none."""
    if body.template is None:
        return None
    return Template(body.template.body, body.template.content_type)
