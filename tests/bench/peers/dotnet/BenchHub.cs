using System.Threading.Tasks;
using Microsoft.AspNetCore.SignalR;

namespace Bench
{
    public class BenchHub : Hub
    {
        private readonly Sources _sources;

        public BenchHub(Sources sources) => _sources = sources;

        public string Echo(string text) => text;

        public Task Join(string group) => Groups.AddToGroupAsync(Context.ConnectionId, group);

        public Task Publish(string group, string payload) => Clients.Group(group).SendAsync("Event", payload);

        public void Stream(int streams, double perSecond, double seconds, int characters) =>
            _ = _sources.Run(streams, perSecond, seconds, characters);
    }
}
