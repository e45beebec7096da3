// Counters of the layer between IP and a link of Ethernet frames.

/** Frames, neighbours and claimed addresses. */
export interface EthernetStats {
  /** Frames received from the link. */
  inFrames: number;
  /** Dropped: too short, or of IEEE 802.3 without a type. */
  inErrors: number;
  /** Dropped: to the address of another station, or to a group for what only concerns one. */
  inNotForUs: number;
  /** Dropped: of another VLAN, or without the tag of ours. */
  inOtherVlan: number;
  /** Dropped: our own frames, come back. */
  inOwn: number;
  /** Dropped: neither ARP nor IP. */
  inUnknownTypes: number;
  /** IP packets longer than the MTU: segments that the sender's kernel left to a device to be cut (GSO). Delivered. */
  inOversize: number;
  /** ARP packets and messages of neighbour discovery received. */
  inArp: number;
  inNdp: number;
  /** Queries for listeners to groups. */
  inQueries: number;
  /** ARP packets and messages of neighbour discovery dropped by the checks that every receiver owes them, or because they tell nothing. */
  inArpDropped: number;
  inNdpDropped: number;
  /** Requests and solicitations sent, answers sent, and those not sent because of `limits.neighborAnswersPerSecond`. */
  outSolicitations: number;
  outAnswers: number;
  answersSuppressed: number;
  /** Announcements of our own addresses. */
  outAnnouncements: number;
  /** Reports of the groups that we listen to. */
  outReports: number;
  /** Packets that waited for a neighbour's MAC address, and of these, dropped for want of one or of room. */
  queued: number;
  queueDrops: number;
  /** Neighbours that never answered, or do not any more. */
  neighborFailures: number;
  /** Neighbours forgotten because of `limits.neighbors` or `limits.resolvingNeighbors`. */
  neighborEvictions: number;
  /** Neighbours that changed their MAC address. */
  neighborMoves: number;
  /** Packets that no route leads to. */
  outNoRoutes: number;
  /** Addresses of ours that another station uses, given up or defended. */
  addressConflicts: number;
}

/** Fresh counters. */
export function newEthernetStats(): EthernetStats {
  return {
    inFrames: 0,
    inErrors: 0,
    inNotForUs: 0,
    inOtherVlan: 0,
    inOwn: 0,
    inUnknownTypes: 0,
    inOversize: 0,
    inArp: 0,
    inNdp: 0,
    inQueries: 0,
    inArpDropped: 0,
    inNdpDropped: 0,
    outSolicitations: 0,
    outAnswers: 0,
    answersSuppressed: 0,
    outAnnouncements: 0,
    outReports: 0,
    queued: 0,
    queueDrops: 0,
    neighborFailures: 0,
    neighborEvictions: 0,
    neighborMoves: 0,
    outNoRoutes: 0,
    addressConflicts: 0,
  };
}
