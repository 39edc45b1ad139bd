"""Ready-made exit tasks: post a final status to a webhook, mail it, or write it down.

Each is an ordinary component of the KFP SDK, made of the standard library alone, so any KFP backend runs it:

    from postlude.components import post_to_webhook

    with dsl.ExitHandler(post_to_webhook(url=..., failures=dsl.FAILURES)):
        ...

Their functions stand alone, without a call to each other, because the SDK takes a component's source text and nothing
around it.
"""

from typing import Final

try:
    from postlude.components.mail import send_mail
    from postlude.components.report import write_report
    from postlude.components.webhook import post_to_webhook
except ModuleNotFoundError as missing:
    if missing.name is None or missing.name.partition(".")[0] != "kfp":
        raise
    _NO_SDK: Final = "postlude.components are components of the KFP SDK, which is not installed: install postlude[sdk]"
    raise ModuleNotFoundError(_NO_SDK, name=missing.name) from missing

__all__ = ["post_to_webhook", "send_mail", "write_report"]
