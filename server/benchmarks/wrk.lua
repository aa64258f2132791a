-- Sends the requests of a file in turn, each with a date and a signature of its own, and prints what came of them.
-- A line of the file: address, key, date and signature, with tabs between.

local requests = {}
local last = 0

function init(args)
  for line in io.lines(args[1]) do
    local address, key, date, signature = line:match('^([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)$')
    requests[#requests + 1] = wrk.format('GET', address, {
      ['Host'] = 'localhost',
      ['x-api-key'] = key,
      ['x-date'] = date,
      ['x-signature'] = signature,
    })
  end
end

function request()
  last = last % #requests + 1
  return requests[last]
end

function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format('\n{"requests":%d,"bytes":%d,"failed":%d,"micros":%d,"p50Micros":%d,"p99Micros":%d}\n',
    summary.requests, summary.bytes, failed, summary.duration, latency:percentile(50), latency:percentile(99)))
end
