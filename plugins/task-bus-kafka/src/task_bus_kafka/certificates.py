"""The files of TLS, tried before a library takes them.

To it a bad one looks like a broker that is not there, and for a key with a password
OpenSSL would ask at the terminal.
"""

import ssl

from task_bus_kafka.options import KafkaOptions


def problems_of_files(options: KafkaOptions) -> list[str]:
    """Return what is wrong with the files of certificates, a line for each."""
    if options.ssl_keyfile and not options.ssl_certfile:
        return ["ssl_keyfile: name its certificate, too: ssl_certfile"]
    problems = []
    context = ssl.create_default_context()
    try:
        if options.ssl_cafile:
            context.load_verify_locations(options.ssl_cafile)
    except OSError as error:  # an SSLError is one
        problems.append(f"ssl_cafile: cannot use {options.ssl_cafile}: {_text(error)}")
    try:
        if options.ssl_certfile:
            context.load_cert_chain(
                options.ssl_certfile, options.ssl_keyfile, options.ssl_password or ""
            )
    except OSError as error:
        files = options.ssl_certfile, options.ssl_keyfile
        names = " with ".join(str(file) for file in files if file)
        problems.append(
            f"ssl_certfile: cannot use {names}: {_text(error)}; they are PEM and of one"
            " pair, and ssl_password is the key's if it has one"
        )
    return problems


def _text(error: OSError) -> str:
    """Return what is wrong; OpenSSL gives some mistakes no reason."""
    if isinstance(error, ssl.SSLError):
        return error.reason or "OpenSSL cannot read it"
    return error.strerror or str(error)
