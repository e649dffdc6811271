//! temp
#[path = "../tests/support/mod.rs"] mod support;
use credlink_corpus::*; use rayon::prelude::*;
fn main(){ for seed in [1u64,2] { let s=SyntheticSet::new(seed); let h:Vec<_>=(0..550).into_par_iter().map(|i| support::cosine_hash(&s.picture(i))).collect();
 let mut d=vec![]; for i in 0..550{for j in 0..i{ d.push((support::distance(&h[i],&h[j]),s.entry(i).name,s.entry(j).name)); }} d.sort(); for x in &d[..14]{println!("{x:?}")} println!("{}", d.iter().filter(|x|x.0<90).count()); } }
