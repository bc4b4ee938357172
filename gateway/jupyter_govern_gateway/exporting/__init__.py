"""Operations as they end, told to other systems.

sinks     one way to send each: file, syslog, HTTP, OTLP
exporter  reads the index in order, remembers how far each sink has come
"""
