"""The bus `nsq`."""
