#!/bin/sh
# Answers by what the shell itself can do: no other program is started.
while IFS= read -r line; do
    seq=${line#*\"seq\":}
    seq=${seq%%[,\}]*}
    case $line in
    *'"op":"hello"'*) echo '{"op":"hello","protocol":1,"system":{"name":"nothing","version":"1"},"inputs":["image/jpeg","image/png"],"carrier":{"name":"nothing","place":"store"},"deterministic":true}' ;;
    *'"op":"sign"'*) echo "{\"op\":\"signed\",\"seq\":$seq,\"status\":\"ok\",\"changed\":false}" ;;
    *'"op":"verify"'*) echo "{\"op\":\"verified\",\"seq\":$seq,\"status\":\"ok\",\"state\":\"absent\"}" ;;
    *'"op":"bye"'*) exit 0 ;;
    *) echo "{\"op\":\"error\",\"seq\":$seq,\"cause\":\"unknown-op\"}" ;;
    esac
done
