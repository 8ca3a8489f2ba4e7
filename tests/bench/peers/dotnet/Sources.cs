using System;
using System.Diagnostics;
using System.Globalization;
using System.Linq;
using System.Threading.Tasks;
using Microsoft.AspNetCore.SignalR;
using Microsoft.Extensions.Logging;

namespace Bench
{
    /// <summary>The sources of events that Stream runs, which outlive the hub's instance of that call.</summary>
    public class Sources
    {
        private readonly IHubContext<BenchHub> _hub;
        private readonly ILogger<Sources> _log;

        public Sources(IHubContext<BenchHub> hub, ILogger<Sources> log)
        {
            _hub = hub;
            _log = log;
        }

        public async Task Run(int streams, double perSecond, double seconds, int characters)
        {
            try
            {
                var filler = new string('x', characters - 16);
                await Task.WhenAll(Enumerable.Range(0, streams).Select(i =>
                {
                    // Spread evenly over their period.
                    var delay = perSecond > 0 ? i / (perSecond * streams) : 0;
                    return Source($"s{i}", perSecond, seconds, filler, delay);
                }));
            }
            catch (Exception error)
            {
                _log.LogError(error, "A source has failed.");
            }
        }

        private async Task Source(string group, double perSecond, double seconds, string filler, double delay)
        {
            await Task.Yield();
            var clock = Stopwatch.StartNew();
            if (delay > 0)
            {
                await Task.Delay(TimeSpan.FromSeconds(delay));
            }
            var sent = 0;
            while (clock.Elapsed.TotalSeconds < seconds)
            {
                await _hub.Clients.Group(group).SendAsync("Event", Text(filler));
                sent++;
                // Due times are counted from the beginning, so that a late timer delays one event and not all after it.
                var wait = perSecond > 0 ? delay + sent / perSecond - clock.Elapsed.TotalSeconds : 0;
                if (wait > 0)
                {
                    await Task.Delay(TimeSpan.FromSeconds(wait));
                }
                else
                {
                    await Task.Yield();
                }
            }
        }

        // Stopwatch counts CLOCK_MONOTONIC in nanoseconds on Linux.
        private static string Text(string filler) =>
            Stopwatch.GetTimestamp().ToString("D16", CultureInfo.InvariantCulture) + filler;
    }
}
