-- ARGV: the messages.
put_all(1)
return 1
