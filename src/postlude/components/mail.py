"""Mail a final status."""

from kfp import dsl


@dsl.component(base_image="python:3.11-slim")
def send_mail(
    status: dsl.PipelineTaskFinalStatus,
    to: list,
    sender: str,
    host: str,
    port: int = 587,
    security: str = "starttls",
    message: str = "",
    failures: str = "",
    run_url: str = "",
    only_failures: bool = False,
    timeout_s: float = 30.0,
):
    """Mail how a group ended through an SMTP server; fails if the server does not take it for every recipient.

    The task's variables SMTP_USER and SMTP_PASSWORD log in, where both are set: secrets stay out of the pipeline.

    Args:
        status: Filled in by the backend.
        to: Addresses.
        sender: The address it comes from.
        host: The SMTP server.
        port: Its port.
        security: "starttls", "tls" from the first byte on, or "none"; certificates are checked.
        message: A paragraph of your own.
        failures: `dsl.FAILURES`, to have every failed task listed and attached; "" for the status's own message alone.
        run_url: `dsl.RUN_URL` or any other link to the run; "" for none.
        only_failures: Whether nothing is sent when the group succeeded or was skipped.
        timeout_s: Seconds that each answer of the server may take.
    """
    import email.message
    import json
    import os
    import smtplib
    import ssl

    def parsed_failures():
        try:
            listed = json.loads(failures or "[]")
        except ValueError:
            listed = [{"message": failures}]
        return listed if isinstance(listed, list) else [listed]

    def one_line(text):
        return " ".join(str(text).split())

    def written():
        mail = email.message.EmailMessage()
        mail["From"], mail["To"] = one_line(sender), ", ".join(one_line(address) for address in to)
        job = one_line(status.pipeline_job_resource_name)
        mail["Subject"] = f"[{status.state}] {job}: {one_line(status.pipeline_task_name)}"
        causes = [f"- {one.get('displayName', '')}: {one.get('message', '')}" for one in listed]
        if not causes and status.error_message:
            causes = [f"{status.error_message} (code {status.error_code})"]
        first = f"{status.pipeline_task_name} of {job} is {status.state}."
        parts = [first, message, "\n".join(causes), run_url]
        mail.set_content("\n\n".join(part for part in parts if part) + "\n")
        if listed:
            mail.add_attachment(json.dumps(listed, indent=2), subtype="json", filename="failures.json")
        return mail

    def connected():
        if security == "tls":
            return smtplib.SMTP_SSL(host, port, timeout=timeout_s, context=ssl.create_default_context())
        return smtplib.SMTP(host, port, timeout=timeout_s)

    def send():
        user, password = os.environ.get("SMTP_USER"), os.environ.get("SMTP_PASSWORD")
        with connected() as server:
            if security == "starttls":
                server.starttls(context=ssl.create_default_context())
            if user and password:
                server.login(user, password)
            return server.send_message(mail)

    if security not in ("starttls", "tls", "none"):
        raise ValueError(f"security is {security!r}: choose 'starttls', 'tls' or 'none'")
    if not to:
        raise ValueError("nobody to mail to: 'to' is empty")
    if only_failures and status.state in ("COMPLETE", "SUCCEEDED", "SKIPPED"):
        print(f"nothing to mail: {status.pipeline_task_name} is {status.state}")
        return
    listed = parsed_failures()
    mail = written()
    try:
        refused = send()
    except (OSError, smtplib.SMTPException) as error:
        raise RuntimeError(f"the mail server {host}:{port} did not take the mail: {error}") from None
    if refused:
        answers = ", ".join(f"{address} ({code})" for address, (code, _) in refused.items())
        raise RuntimeError(f"the mail server {host}:{port} refused recipients: {answers}")
    print(f"mailed to {len(to)}: {status.pipeline_task_name} is {status.state}")
